import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from lic_bench.codecs.registry import find_codecs
from lic_bench.spec import CodecSpec
from lic_bench.store.run_folder import Run
from lic_bench.terminal.listings import TABLES, _qualities, run_summary


def shown(table: Table, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 140])
def test_names_are_never_cut(width: int) -> None:
    text = shown(TABLES["codecs"](), width)
    for name in find_codecs():
        assert f" {name} " in text
    assert "bmshj2018-factorized-msssim" in shown(TABLES["published"](), width)


@pytest.mark.parametrize(
    ("qualities", "allowed", "text"),
    [
        ((1, 2, 3), None, "1..3"),
        ((1, 5), None, "1, 5"),
        ((10, 50), (1, 100), "10, 50 of 1..100"),
    ],
)
def test_qualities_in_words(qualities: tuple[int, ...], allowed: tuple[int, int] | None, text: str) -> None:
    spec = CodecSpec(name="a", label="A", kind="classical", load="x:y", qualities=qualities, quality_range=allowed)
    assert _qualities(spec) == text


def test_a_run_is_summed_up(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, images=2, failing=[("jpeg", 1, 0)])
    text = shown(run_summary(run.folder), 120)
    assert "1 (1 failed)" in text
    assert "33.00" in text  # the third rung of the made-up ladder
    assert "0.400" in text


def test_random_weights_show_no_rate_and_no_quality(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"lalic": 1.0}, images=2, weights={"lalic": "random"})
    assert "33.00" not in shown(run_summary(run.folder), 120)
