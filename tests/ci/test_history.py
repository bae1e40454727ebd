"""The branch of the history: a commit a night, on top of the last, with nothing in it but the history."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "ci/history.sh"
BRANCH = "latency-history"
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def history(folder: Path, verb: str) -> None:
    subprocess.run([SCRIPT, verb, "build/history"], cwd=folder, check=True, capture_output=True, text=True)


def night(folder: Path, line: str) -> None:
    history(folder, "begin")
    with (folder / "build/history/machine.jsonl").open("a") as file:
        file.write(line + "\n")
    history(folder, "keep")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository with one commit, which has a line of history."""
    first = tmp_path / "first"
    (first / "results/history").mkdir(parents=True)
    (first / "results/history/machine.jsonl").write_text("zero\n")
    (first / ".gitignore").write_text("build/\n")
    git(first, "init", "-q", "-b", "main")
    git(first, "add", ".")
    git(first, "commit", "-q", "-m", "first")
    git(tmp_path, "clone", "-q", "--bare", "first", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    return tmp_path / "clone"


def test_every_night_adds_to_the_branch_and_main_stays(clone: Path):
    before = git(clone, "rev-parse", "main")
    night(clone, "one")
    night(clone, "two")
    git(clone, "fetch", "-q", "origin")
    assert git(clone, "show", f"origin/{BRANCH}:results/history/machine.jsonl").split() == ["zero", "one", "two"]
    assert git(clone, "rev-list", "--count", f"main..origin/{BRANCH}") == "2"
    assert git(clone, "diff", "--name-only", f"main...origin/{BRANCH}") == "results/history/machine.jsonl"
    assert git(clone, "rev-parse", "main") == git(clone, "rev-parse", "origin/main") == before
    assert git(clone, "status", "--short") == ""


def test_a_night_without_anything_new_makes_no_commit(clone: Path):
    night(clone, "one")
    tip = git(clone, "rev-parse", f"origin/{BRANCH}")
    history(clone, "begin")
    history(clone, "keep")
    git(clone, "fetch", "-q", "origin")
    assert git(clone, "rev-parse", f"origin/{BRANCH}") == tip


def test_lines_are_never_lost(clone: Path):
    night(clone, "one")
    (clone / "build/history/machine.jsonl").write_text("two\n")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        history(clone, "keep")
    assert "it only grows" in failure.value.stderr
    git(clone, "fetch", "-q", "origin")
    assert git(clone, "show", f"origin/{BRANCH}:results/history/machine.jsonl").split() == ["zero", "one"]
