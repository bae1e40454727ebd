"""BD-rates by perceptual metrics: against the formula, against one anchor, and in which order they put codecs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.registry import JPEG_AI, METRICS
from lic_bench.rate_distortion.bd_rate import RDCurve, bd_rate
from lic_bench.report.frames.perceptual_rates import other_order
from lic_bench.report.frames.report_data import ReportData, gather_report_data
from lic_bench.report.tables.metrics_table import metrics_table
from lic_bench.report.tables.rd_tables import bd_table, rd_table
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
FACTORS = {"jpeg": 1.0, "webp": 0.8, "avif": 0.7}


def value(metric: str, quality: float) -> float:
    """Better with each quality, in the metric's own direction."""
    return 0.2 * quality if METRICS[metric].higher_is_better else 1 / quality


def with_values(run: Run, metrics: tuple[str, ...], worse: str = "") -> Run:
    """The run with these metrics; VMAF of `worse` is what others have 0.8 of a quality lower."""
    run.records["perceptual"] = [
        {name: value(name, row.quality - 0.8 * (row.codec == worse and name == "vmaf")) for name in metrics}
        for row in run.records.itertuples()
    ]
    run.records["perceptual_by"] = [dict.fromkeys(metrics, "by hand 1.0")] * len(run.records)
    return run


def gather(run: Run, anchor: str = "vtm-9.1", asked: tuple[str, ...] = ()) -> ReportData:
    return gather_report_data([run], "none", anchor, "pchip", metrics=asked)


def test_fewer_bits_for_the_same_values_are_that_by_every_metric(make_run: MakeRun, tmp_path: Path) -> None:
    run = with_values(make_run(tmp_path / "run", FACTORS, images=2), JPEG_AI)
    data = gather(run)
    assert data.perceptual.metrics == tuple(name for name in METRICS if name in JPEG_AI)
    bd = data.perceptual.bd.set_index(["codec", "metric"]).pchip
    for name in ("psnr_db", *JPEG_AI):
        assert [bd[codec, name] for codec in FACTORS] == pytest.approx([0, -20, -30], abs=0.01)
    frame = metrics_table(data).frame().set_index("method")
    assert frame.jpeg_ai_mean_pct.to_dict() == pytest.approx({"WebP": -20, "AVIF (libaom)": -30}, abs=0.01)
    assert "Anchor of all columns: JPEG (measured)" in metrics_table(data).caption
    assert "by hand 1.0: VMAF" in metrics_table(data).caption


def test_a_distance_is_turned_round(make_run: MakeRun, tmp_path: Path) -> None:
    data = gather(with_values(make_run(tmp_path / "run", FACTORS, images=2), ("nlpd",)), asked=("nlpd",))
    points = data.points[(data.points.provenance == "measured")].set_index("codec")
    curves = [RDCurve(name, points.bpp[name], -points.nlpd[name]) for name in ("jpeg", "avif")]
    (row,) = data.perceptual.bd.query("codec == 'avif' and metric == 'nlpd'").itertuples()
    assert row.pchip == pytest.approx(bd_rate(*curves).value)
    assert (row.low, row.high) == pytest.approx((0.25, 1.0))
    assert bd_table(data, "nlpd").frame().range.tolist() == ["0.2500 .. 1.0000"] * 2
    assert rd_table(data).frame().nlpd.dropna().tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4] * 3)
    assert "jpeg_ai_mean_pct" not in metrics_table(data).frame()


def test_the_mean_needs_all_seven(make_run: MakeRun, tmp_path: Path) -> None:
    run = with_values(make_run(tmp_path / "run", FACTORS, images=2), JPEG_AI)
    for row in run.records.itertuples():
        if row.codec == "avif":
            row.perceptual["vif"] = None
    frame = metrics_table(gather(run)).frame().set_index("method")
    assert np.isnan(frame.jpeg_ai_mean_pct["AVIF (libaom)"])
    assert frame.jpeg_ai_mean_pct["WebP"] == pytest.approx(-20, abs=0.01)


def test_points_that_lack_an_image_are_left_out_and_said(make_run: MakeRun, tmp_path: Path) -> None:
    run = with_values(make_run(tmp_path / "run", FACTORS, images=2), ("vmaf",))
    next(row for row in run.records.itertuples() if row.codec == "avif" and row.quality == 2).perceptual.clear()
    (note,) = metrics_table(gather(run)).marks
    assert note == "Over 3 points of 4: at the others the metric lacks images, or does not rise."


def test_the_anchor_that_was_asked_for_counts_if_it_has_the_metrics(make_run: MakeRun, tmp_path: Path) -> None:
    data = gather(with_values(make_run(tmp_path / "run", FACTORS, images=2), ("vmaf",)), "vtm-9.1,webp")
    assert set(data.perceptual.bd.anchor_codec) == {"webp"}


def test_where_vmaf_puts_codecs_in_another_order_the_pair_is_named(make_run: MakeRun, tmp_path: Path) -> None:
    data = gather(with_values(make_run(tmp_path / "run", FACTORS, images=2), ("vmaf",), worse="avif"))
    bd = data.perceptual.bd.set_index(["codec", "metric"]).pchip
    assert bd["avif", "psnr_db"] < bd["webp", "psnr_db"]
    assert bd["avif", "vmaf"] > bd["jpeg", "vmaf"]
    table = metrics_table(data)
    assert list(table.marks) == ["By PSNR AVIF (libaom) is ahead of JPEG and WebP, by VMAF behind."]


def test_the_same_order_has_no_pairs() -> None:
    rows = [
        {"curve": c, "label": c, "dataset": "d", "image_set": "d", "reason": "", "metric": m, "pchip": v}
        for m in ("psnr_db", "vmaf")
        for c, v in (("a", -3.0), ("b", 0.0), ("c", 0.0))
    ]
    assert other_order(pd.DataFrame(rows), "pchip", "psnr_db", "vmaf") == {}


def test_a_metric_that_nothing_has_is_one_line(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", FACTORS, images=2)
    assert gather(run).perceptual.metrics == ()
    assert metrics_table(gather(run)).rows == []
    with pytest.raises(
        UserError, match=r"^--metric vmaf: nothing here has it; measure it: lic-bench run .*--metrics vmaf\.$"
    ):
        gather(run, asked=("vmaf",))
