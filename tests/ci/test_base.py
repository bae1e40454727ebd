"""The commit that CI compares with, in a repository of three commits, a week apart."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "ci/base.sh"
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str, date: str | None = None) -> str:
    env = {**os.environ, **({"GIT_COMMITTER_DATE": date} if date else {})}
    done = subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True, env=env)
    return done.stdout.strip()


def base(folder: Path, tier: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name not in ("BASE", "MAIN")}
    return subprocess.run(
        [SCRIPT, tier], cwd=folder, env={**env, **variables}, capture_output=True, text=True, check=False
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of past years and one of now."""
    git(tmp_path, "init", "-q", "-b", "main")
    for number, date in enumerate(("2020-01-01T00:00Z", "2020-01-08T00:00Z", None)):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", f"number {number}", date=date)
    return tmp_path


def sha(folder: Path, commit: str) -> str:
    return git(folder, "rev-parse", commit)


@pytest.mark.parametrize("tier", ["change", "night"])
def test_the_commit_that_is_named_comes_first(repository: Path, tier: str):
    git(repository, "tag", "v1", "HEAD~1")
    assert base(repository, tier, BASE="HEAD").stdout.strip() == sha(repository, "HEAD")
    assert base(repository, tier, BASE="main~2").stdout.strip() == sha(repository, "HEAD~2")


@pytest.mark.parametrize("tier", ["change", "night"])
@pytest.mark.parametrize("wrong", ["nowhere", "--all", "HEAD; touch here", "$(touch here)", "HEAD^{tree}"])
def test_what_names_no_commit_is_refused_and_never_run(repository: Path, tier: str, wrong: str):
    assert f"BASE={wrong} is no commit" in refusal(base(repository, tier, BASE=wrong))
    assert not (repository / "here").exists()


def test_a_change_starts_where_it_left_main(repository: Path):
    git(repository, "checkout", "-q", "-b", "mine", "HEAD~1")
    git(repository, "commit", "-q", "--allow-empty", "-m", "mine")
    assert base(repository, "change", MAIN="main").stdout.strip() == sha(repository, "main~1")


def test_without_a_common_commit_it_says_what_to_give(repository: Path):
    line = refusal(base(repository, "change"))
    assert "HEAD and MAIN=origin/main have no commit in common" in line
    assert "BASE=HEAD" in line
    git(repository, "checkout", "-q", "--orphan", "other")
    git(repository, "commit", "-q", "--allow-empty", "-m", "of no one")
    assert "MAIN=main" in refusal(base(repository, "change", MAIN="main"))


def test_a_night_starts_at_the_last_tag(repository: Path):
    for tag, commit in (("v1", "HEAD~2"), ("v2", "HEAD")):
        git(repository, "tag", tag, commit)
        assert sha(repository, base(repository, "night").stdout.strip()) == sha(repository, commit)


def test_without_a_tag_a_night_starts_a_day_ago(repository: Path):
    assert base(repository, "night").stdout.strip() == sha(repository, "HEAD~1")


def test_a_repository_of_today_has_no_night_before(tmp_path: Path):
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    assert "no tag, and no commit that is a day old" in refusal(base(tmp_path, "night"))
