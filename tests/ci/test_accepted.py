"""What CI makes of results/accepted.toml, in a repository of three commits."""

import subprocess
import sys
from pathlib import Path

import pytest

from lic_bench.compare.accepted import read_accepted

SCRIPT = Path(__file__).parents[2] / "ci/accepted.py"
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def since_base(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "base"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


def entry(why: str, date: str, commit: str = "") -> str:
    named = f'commit = "{commit}"\n' if commit else ""
    text = f'[[accepted]]\ncodec = "jpeg"\nmetric = "payload_bytes"\nwho = "A"\ndate = {date}\nchange = 0.5\n{named}'
    return text + f'why = "{why}"\n\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits and, in base/, a work tree of the second."""
    folder = tmp_path / "repository"
    (folder / "results").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for number in range(3):
        (folder / "file").write_text(str(number))
        git(folder, "add", "file")
        git(folder, "commit", "-q", "-m", f"number {number}")
    git(folder, "worktree", "add", "-q", "--detach", "base", "HEAD~1")
    return folder


def write(folder: Path, *entries: str) -> None:
    (folder / "results").mkdir(exist_ok=True)
    (folder / "results/accepted.toml").write_text("".join(entries))


def test_entries_that_base_has_and_of_commits_in_base_are_used_up(repository: Path, tmp_path: Path):
    old = entry("old", "2026-01-01")
    of_base = entry("in base", "2026-01-02", git(repository, "rev-parse", "HEAD~2"))
    of_new = entry("after base", "2026-01-03", git(repository, "rev-parse", "HEAD"))
    write(repository / "base", old)
    write(repository, old, of_base, of_new, entry(r"new: \"quoted\", ü \U0001f600 \\ \u007f", "2026-01-04"))
    (tmp_path / "since.toml").write_text(since_base(repository).stdout)
    expected = [entry for entry in read_accepted(repository / "results/accepted.toml") if entry.date.day >= 3]
    assert read_accepted(tmp_path / "since.toml") == expected
    assert len(expected) == 2


def test_a_commit_that_is_gone_is_said_and_its_entry_counts(repository: Path, tmp_path: Path):
    here = entry("here", "2026-01-01", git(repository, "rev-parse", "HEAD"))
    write(repository, here, entry("squashed", "2026-01-02", "1234567"))
    done = since_base(repository)
    (line,) = done.stderr.splitlines()
    assert line.startswith("results/accepted.toml number 2: commit 1234567 is not in this repository")
    (tmp_path / "since.toml").write_text(done.stdout)
    assert [entry.why for entry in read_accepted(tmp_path / "since.toml")] == ["here", "squashed"]


def test_no_entries_are_no_tables(repository: Path):
    assert since_base(repository).stdout == ""
