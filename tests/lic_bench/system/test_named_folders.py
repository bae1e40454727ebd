"""~ in the name of a folder means the home, whichever option or variable holds it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import cli
from lic_bench.codecs.bitstream_cache import cache_folder
from lic_bench.codecs.checkpoints import checkpoint_folders
from lic_bench.errors import UserError
from lic_bench.fetch.fetch_weights import fetch_weights
from lic_bench.images.datasets import data_folders
from lic_bench.system.named_folders import named_folder
from lic_bench.system.programs import find_program


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home, with a folder `mine` in it; the current folder is another one, and empty."""
    (tmp_path / "home/mine").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


def test_the_home_stands_for_the_tilde(home: Path) -> None:
    assert named_folder("~/mine") == named_folder(Path("~/mine")) == home / "mine"
    assert named_folder("mine") == Path("mine")
    assert named_folder(None) is named_folder("") is None
    with pytest.raises(UserError, match="that home is not known"):
        named_folder("~nobody-of-that-name/mine")


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        ("LIC_BENCH_CHECKPOINTS", lambda: checkpoint_folders(None)[0]),
        ("LIC_BENCH_DATA", lambda: data_folders(None)[0]),
        ("LIC_BENCH_CACHE", lambda: cache_folder().parent),
    ],
)
def test_variables_that_name_folders(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, folder: Callable[[], Path]
) -> None:
    monkeypatch.setenv(variable, "~/mine")
    assert folder() == home / "mine"


@pytest.mark.parametrize("variable", ["VTM_ROOT", "BPG_ROOT"])
def test_variables_that_name_programs(home: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    program = home / "mine/encoder"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv(variable, "~/mine")
    assert find_program(["encoder"], env=variable) == program
    assert find_program(["encoder"], root=Path("~/mine")) == program


def test_folders_given_to_functions(home: Path) -> None:
    assert checkpoint_folders(Path("~/mine")) == [home / "mine"]
    assert data_folders(Path("~/mine")) == [home / "mine"]


def test_fetch_makes_no_folder_called_tilde(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIC_BENCH_CHECKPOINTS", "~/mine")
    fetch_weights("jpeg", None)
    fetch_weights("jpeg", Path("~/mine"))
    assert not (Path.cwd() / "~").exists()


@pytest.mark.parametrize("option", ["--out", "--data-root", "--checkpoints", "--vtm-root", "--plugin"])
def test_options_that_name_folders(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    words = ["run", "--codecs", "jpeg", "--datasets", "sample", "--crop", "64", "--limit", "1", "--measure", "quality"]
    given = ["--qualities", "50", *([] if option == "--out" else ["--out", "run"]), f"{option}=~/mine"]
    monkeypatch.setattr(sys, "argv", ["lic-bench", *words, *given])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    if option in ("--plugin", "--vtm-root"):  # refused: no plugin is in there, and no VTM is asked for
        assert f"{home}/mine" in capsys.readouterr().err
    else:
        assert (ended.value.code or 0) == cli.OK
    assert (home / "mine/run.json").exists() == (option == "--out")
    assert not (Path.cwd() / "~").exists()
