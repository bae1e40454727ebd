"""One window for a table: BD-rates over it, its limits by name, and what to do where there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench.report.frames.quality_windows import common_windows, windows_text
from lic_bench.report.frames.rd_points import all_points
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


def test_all_bd_rates_are_over_what_all_curves_reach(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 1.1, "avif": 0.9})
    run.records = run.records[(run.records.codec != "avif") | (run.records.quality < 4)]
    run.records.loc[run.records.codec == "webp", "psnr_db"] += 1
    data = gather_report_data([run], "none", "jpeg", "pchip", common_window=True)
    window = data.windows["psnr_db"]["kodak"]
    assert window.ends() == pytest.approx((29, 33))
    assert (window.from_label, window.to_label) == ("WebP", "AVIF (libaom)")
    rows = data.bd_for("psnr_db").query("dataset == 'kodak'")
    assert set(zip(rows.low, rows.high, strict=True)) == {window.ends()}
    assert "Kodak 29.00 .. 33.00 dB (from WebP, to AVIF (libaom))" in windows_text(data.windows["psnr_db"])


def test_published_curves_narrow_it(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 1.1})
    alone, beside = (common_windows(all_points([run], slugs), "psnr_db")["kodak"] for slugs in ((), ("elic",)))
    assert alone.ends() == pytest.approx((28, 35.5))
    assert beside.from_label == "ELIC"
    assert 28 < beside.low < beside.high == pytest.approx(35.5)


def test_without_a_common_quality_each_row_says_which_curves_are_in_the_way(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 1.1, "avif": 0.9})
    run.records.loc[run.records.codec == "webp", "psnr_db"] += 9
    data = gather_report_data([run], "none", "jpeg", "pchip", common_window=True)
    reasons = set(data.bd_for("psnr_db").reason)
    assert reasons >= {
        "No quality is common to all curves on Kodak: WebP begins at 37.00 dB, JPEG ends at 35.50 dB; leave one of the "
        "two out."
    }
    assert data.bd_for("psnr_db").query("dataset == 'kodak'").pchip.isna().all()
    assert set(data.uncertainty.dataset) <= {"tecnick"}
    assert "Kodak" not in windows_text(data.windows["psnr_db"])
