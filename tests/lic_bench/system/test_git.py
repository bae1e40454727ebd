"""Asking git: what it prints, and its refusals in one line."""

from pathlib import Path

import pytest

from lic_bench.system.git import GitError, git


def test_what_git_prints_and_what_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("init", "--quiet", home=tmp_path)
    assert git("rev-parse", "--show-toplevel", home=tmp_path).decode().strip() == str(tmp_path.resolve())
    with pytest.raises(GitError, match=r"^Needed a single revision$"):
        git("rev-parse", "--verify", "HEAD", home=tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed"):
        git("--version")
