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


@pytest.mark.parametrize("content", ["two\n", "", "zero\n", "zero\none", "zero\none\ntwo", "ZERO\none\ntwo\n"])
def test_what_is_not_the_old_and_then_whole_lines_is_not_kept(clone: Path, content: str):
    night(clone, "one")
    (clone / "build/history/machine.jsonl").write_text(content)
    with pytest.raises(subprocess.CalledProcessError) as failure:
        history(clone, "keep")
    assert "machine.jsonl is not what latency-history has" in failure.value.stderr
    git(clone, "fetch", "-q", "origin")
    assert git(clone, "show", f"origin/{BRANCH}:results/history/machine.jsonl").split() == ["zero", "one"]


def test_files_of_lines_alone_are_kept(clone: Path):
    history(clone, "begin")
    for name in (".lock", "README.md", "workflow.yml", "other machine.jsonl"):
        (clone / "build/history" / name).write_text("{}\n")
    history(clone, "keep")
    git(clone, "fetch", "-q", "origin")
    changed = git(clone, "diff", "--name-only", f"main...origin/{BRANCH}").splitlines()
    assert changed == ["results/history/other machine.jsonl"]


@pytest.mark.parametrize("verb", ["begin", "keep"])
def test_an_origin_that_does_not_answer_begins_no_history(clone: Path, verb: str):
    night(clone, "one")
    (clone.parent / "origin.git").rename(clone.parent / "away.git")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        history(clone, verb)
    assert "origin does not say whether it has latency-history" in failure.value.stderr


def test_without_an_origin_a_history_begins_with_that_of_the_work_tree(clone: Path):
    git(clone, "remote", "remove", "origin")
    history(clone, "begin")
    assert (clone / "build/history/machine.jsonl").read_text() == "zero\n"
