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
from lic_bench.terminal.listings import (
    _qualities,
    codec_details,
    codecs_table,
    details_table,
    published_rows,
    rows_table,
    run_points,
    run_summary,
)


def shown(table: Table, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 140])
def test_names_are_never_cut(width: int) -> None:
    text = shown(codecs_table(), width)
    for name in find_codecs():
        assert f" {name} " in text
    assert "bmshj2018-factorized-msssim" in shown(rows_table(published_rows()), width)


def test_the_codecs_fit_a_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIC_BENCH_CHECKPOINTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "lalic-mse-q3.pth").touch()
    lines = shown(codecs_table(), 80).splitlines()
    assert len(lines) <= len(find_codecs()) + 8
    rows = {line.split()[0]: line for line in lines if line.strip()}
    assert rows["lalic"].split()[1:] == ["learned", "1..6", "mse", "1", "of", "6", "here"]
    assert rows["fat-msssim"].split()[3] == "ms-ssim"
    assert "none released" in rows["mambavc"]


def test_the_details_of_a_codec_name_its_weights_and_where_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIC_BENCH_CHECKPOINTS", str(tmp_path))
    (tmp_path / "lalic-mse-q3.pth").touch()
    details = codec_details(find_codecs()["lalic"])
    assert details["weights"]["3"]["here"] == str(tmp_path / "lalic-mse-q3.pth")
    assert details["weights"]["6"] == {
        "file": "lalic-mse-q6.pth",
        "lambda": 0.0483,
        "url": details["weights"]["1"]["url"],
    }
    text = shown(details_table(details), 400)
    assert "arXiv:2502.05741" in text
    assert f"3: file lalic-mse-q3.pth, lambda 0.0067, url {details['weights']['3']['url']}, here {tmp_path}" in text
    assert json.loads(json.dumps(details)) == details


@pytest.mark.parametrize(
    ("qualities", "allowed", "text"),
    [
        ((1, 2, 3), None, "1..3"),
        ((1, 5), None, "1, 5"),
        ((10, 50), (1, 100), "1..100"),
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
