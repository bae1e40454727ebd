from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import cli
from lic_bench.codecs.registry import add_plugin

PLUGINS = Path(__file__).parents[2] / "plugins"


@pytest.fixture
def scale_arguments(tmp_path: Path, fake_codecs: None) -> list[object]:
    add_plugin(PLUGINS / "hungry")
    common = ["--quick", "--repeats", 1, "--no-isolate", "--device", "cpu", "--out", tmp_path / "scale"]
    return ["scale", "--codecs", "hungry", "--qualities", "hungry=20", "--sizes", "16:64", *common]


def test_scaling_says_where_memory_ran_out_and_that_is_no_failure(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], scale_arguments: list[object], tmp_path: Path
) -> None:
    assert exit_code(*scale_arguments, "--memory-sizes", 6) == cli.OK
    said = capsys.readouterr()
    assert "FAILED hungry p20 scale/32x32: out of memory" in said.out
    assert "32x32 out of memory" in " ".join(said.out.split())
    assert "failed, the first" not in said.err
    arguments = ["report", tmp_path / "scale", "--out", tmp_path / "report"]
    arguments += ["--reference", "none", "--published", "none"]
    assert exit_code(*arguments) == cli.OK
    assert "Cost by size of the image" in (tmp_path / "report/index.html").read_text()


def test_scaling_with_a_failure_ends_with_exit_code_1(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], scale_arguments: list[object]
) -> None:
    arguments = ["hungry,broken" if a == "hungry" else a for a in scale_arguments]
    assert exit_code(*arguments, "--qualities", "broken=1") == cli.FAILED
    assert "3 records failed, the first: broken quality 1 scale/16x16" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sizes", "512:256"], "write the smaller side first"),
        (["--memory-sizes", "lots"], "allowed are numbers above 0"),
        (["--qualities", "hungry=10"], "one per codec"),
        (["--repeats", "0"], "--repeats 0: at least 1"),
    ],
)
def test_bad_scaling_options_are_one_line(
    exit_code: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    scale_arguments: list[object],
    options: list[str],
    said: str,
) -> None:
    assert exit_code(*scale_arguments, *options) == cli.BAD_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
