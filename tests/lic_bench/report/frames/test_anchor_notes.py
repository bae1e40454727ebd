"""Anchors of another mode, version or origin are never mixed into a BD-rate without a word."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from lic_bench.rate_distortion.bd_rate import RDCurve, bd_rate
from lic_bench.rate_distortion.published import load_points
from lic_bench.report.frames.anchor_notes import anchor_note
from lic_bench.report.frames.bd_rates import Anchor, bd_frame
from lic_bench.report.frames.rd_points import all_points, rd_points
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.report.tables.rd_tables import bd_table
from lic_bench.report.tables.table import Table
from lic_bench.report.tables.table1 import table1
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
TEN = {"mode": "ycbcr10", "encoder_version": "9.1"}
RGB = {"mode": "rgb", "encoder_version": "9.1"}


def notes(runs: list[Run], slugs: list[str], anchor: str, metric: str = "psnr_db") -> pd.DataFrame:
    """anchor_note by run and codec of the measured and published curves on Kodak."""
    rows = bd_frame(all_points(runs, slugs), [Anchor.parse(anchor)], metric)
    return rows[rows.dataset == "kodak"].set_index(["run", "codec"]).anchor_note


def cell_notes(table: Table, method: str, source: str) -> tuple[str, ...]:
    rows = {(row.cells["method"].text, row.cells["source"].text): row.cells for row in table.rows}
    return rows[method, source]["bd_kodak"].notes


def test_the_published_anchor_is_named_as_such_and_how_it_was_made(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "vtm-9.1": 0.5}, made=TEN)
    found = notes([run], ["vtm-9.1", "lalic"], "vtm-9.1")
    how = "(8-bit YCbCr 4:4:4, cut where rounding is due, PSNR against the encoder's input)"
    assert found["r", "jpeg"] == f"Against VTM-9.1 as published {how}, not measured in this run."
    ours = found["r", "vtm-9.1"]
    assert ours == f"Against VTM-9.1 as published {how}, not measured in this run; this curve: ycbcr10, 9.1."
    assert found["", "lalic"] == found["", "vtm-9.1"] == ""
    data = gather_report_data([run], "paper", "vtm-9.1", "pchip")
    assert cell_notes(table1(data), "VTM-9.1", "r") == (ours,)
    assert cell_notes(table1(data), "LALIC", "published") == ()
    rows = {(r.cells["method"].text, r.provenance): r.cells for r in bd_table(data, "psnr_db").rows}
    assert ours in rows["VTM-9.1", "measured"]["pchip"].notes


def test_the_published_anchor_of_ms_ssim_is_set_apart_from_that_of_psnr(make_run: MakeRun, tmp_path: Path) -> None:
    found = notes([make_run(tmp_path / "r", {"jpeg": 1.0})], ["vtm-9.1-lalic", "lalic"], "vtm-9.1", "ms_ssim_db")
    how = "(not the run behind the PSNR anchor, which is 1.5 % worse)"
    assert found["r", "jpeg"] == f"Against VTM-9.1 (LALIC authors' run) as published {how}, not measured in this run."
    runs = {name: load_points([name]).query("dataset == 'kodak'") for name in ("vtm-9.1", "vtm-9.1-lalic")}
    curves = [RDCurve(name, points.bpp, points.psnr_db) for name, points in runs.items()]
    assert round(bd_rate(curves[1], curves[0]).value, 1) == 1.5


def test_an_anchor_of_the_same_run_needs_no_word(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "vtm-9.1": 0.5}, made=TEN)
    assert set(notes([run], [], "measured:vtm-9.1")) == {""}


def test_an_anchor_of_the_same_run_in_an_unusual_mode_is_named(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "vtm-9.1": 0.5}, made=RGB)
    found = notes([run], [], "measured:vtm-9.1")
    assert found["r", "jpeg"] == "Against VTM-9.1 (rgb), of the same run."
    assert found["r", "vtm-9.1"] == ""


def test_an_anchor_of_another_run_or_mode_is_described(make_run: MakeRun, tmp_path: Path) -> None:
    anchor = make_run(tmp_path / "anchor", {"vtm-9.1": 0.5}, made=TEN)
    other = make_run(tmp_path / "other", {"jpeg": 1.0})
    found = notes([anchor, other], ["lalic", "vtm-9.1"], "measured:vtm-9.1")
    expected = "Against VTM-9.1 as measured in run anchor (ycbcr10, version 9.1)."
    assert found["other", "jpeg"] == found["", "lalic"] == expected
    how = "8-bit YCbCr 4:4:4, cut where rounding is due, PSNR against the encoder's input"
    assert found["", "vtm-9.1"] == f"{expected[:-1]}; this curve: {how}."


def test_what_differs_between_two_runs_of_the_anchors_codec_is_said() -> None:
    anchor = pd.Series(
        {"provenance": "measured", "run": "a", "codec": "hevc", "label": "HEVC", "mode": "ycbcr10", "version": "3.5"}
    )
    anchor["device"] = "cpu"
    newer = pd.Series({**anchor, "run": "b", "version": "3.6"})
    assert anchor_note(newer, anchor).endswith("measured in run a (ycbcr10, version 3.5); this curve: 3.6.")
    both = pd.Series({**newer, "mode": "rgb"})
    assert anchor_note(both, anchor).endswith("; this curve: rgb, 3.6.")
    assert anchor_note(pd.Series({**anchor, "run": "b"}), anchor).endswith("(ycbcr10, version 3.5).")
    assert anchor_note(anchor, anchor) == ""
    elsewhere = pd.Series({**anchor, "device": "elsewhere"})
    assert anchor_note(newer, elsewhere).startswith("Against HEVC as coded elsewhere in run a (ycbcr10")


def test_the_same_codec_in_two_modes_has_two_names(make_run: MakeRun, tmp_path: Path) -> None:
    ten = make_run(tmp_path / "ten", {"vtm-9.1": 0.5}, made=TEN)
    rgb = make_run(tmp_path / "rgb", {"vtm-9.1": 0.6}, made=RGB)
    assert set(rd_points(ten).label) == {"VTM-9.1"}
    assert set(rd_points(rgb).label) == {"VTM-9.1 (rgb)"}
    data = gather_report_data([ten, rgb], "none", "measured:vtm-9.1", "pchip")
    methods = {row.cells["source"].text: row.cells["method"].text for row in table1(data).rows}
    assert methods == {"ten": "VTM-9.1", "rgb": "VTM-9.1 (rgb)"}
    assert set(data.latency.label) == {"VTM-9.1", "VTM-9.1 (rgb)"}


@pytest.mark.parametrize(
    ("mode", "label"), [("ycbcr10", "VTM-18.0"), ("ycbcr8-truncated", "VTM-18.0 (ycbcr8-truncated)")]
)
def test_another_version_has_its_own_name(make_run: MakeRun, tmp_path: Path, mode: str, label: str) -> None:
    run = make_run(tmp_path / "r", {"vtm-18.0": 0.5}, made={"mode": mode, "encoder_version": "18.0"})
    points = rd_points(run)
    assert set(points.label) == {label}
    assert set(points["mode"]) == {mode}
    assert set(points.version) == {"18.0"}
