import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from lic_bench.codecs.registry import find_codecs
from lic_bench.spec import CodecSpec
from lic_bench.store.run_folder import Run
from lic_bench.terminal.listings import TABLES, _qualities, run_points, run_summary


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
    text = shown(run_summary(run_points(run.folder)), 120)
    assert "1 (1 failed)" in text
    assert "33.00" in text  # the third rung of the made-up ladder
    assert "0.400" in text


def test_a_mean_that_is_not_over_all_images_is_a_dash(make_run: Callable[..., Run], tmp_path: Path) -> None:
    """As where one of two pictures came back exactly, so that its PSNR has no number, and one is too small."""
    make_run(tmp_path / "run", {"jpeg": 1.0}, images=2)
    path = tmp_path / "run" / "records.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0] |= {"psnr_db": None}  # of quality 1
    rows[2] |= {"ms_ssim": None}  # of quality 2
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    cells = [
        line.split() for line in shown(run_summary(run_points(tmp_path / "run")), 120).splitlines() if "jpeg" in line
    ]
    assert [line[3:7] for line in cells[:3]] == [
        ["2", "0.100", "-", "0.9200"],
        ["2", "0.200", "30.50", "-"],
        ["2", "0.400", "33.00", "0.9600"],
    ]
    assert [line[7:] for line in cells[:1]] == [["0.010", "0.020"]]


def test_random_weights_show_no_rate_and_no_quality(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"lalic": 1.0}, images=2, weights={"lalic": "random"})
    assert "33.00" not in shown(run_summary(run_points(run.folder)), 120)
