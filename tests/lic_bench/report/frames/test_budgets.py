"""What can be had within a time: only codecs that were timed, each machine by itself."""

from collections.abc import Callable
from math import log10
from pathlib import Path

import numpy as np
import pytest

from lic_bench.report.frames.budgets import budgets_frame, timed_codecs
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


def test_measured_and_published_times_are_apart(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 0.8})
    run.records.loc[run.records.codec == "webp", "decode_s"] = run.records.decode_s.map(lambda s: [8 * t for t in s])
    timed = timed_codecs(gather_report_data([run], "paper", "jpeg", "pchip"))
    frame = budgets_frame(timed)
    own = frame[(frame.provenance == "measured") & (frame.operation == "decode")].set_index("budget_s")
    assert own.label.to_dict() == {0.05: "JPEG", 0.1: "JPEG", 0.5: "WebP", 1.0: "WebP", 5.0: "WebP"}  # 50 and 400 ms
    assert own.seconds[1.0] == pytest.approx(0.4)
    assert own.hypervolume[5.0] == pytest.approx(20 * log10(5 / 0.4), abs=0.1)
    assert own.hypervolume[0.1] == 0
    assert "FAT" not in set(frame.label[frame.operation == "decode"])  # takes more than 10 s, nobody knows how much
    assert set(frame.device) == {"Example CPU", "RTX 4090"}


def test_bars_are_quartiles_and_the_interval(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 0.8})
    timed = timed_codecs(gather_report_data([run], "none", "jpeg", "pchip"))
    decode = timed["decode"].codecs
    webp = decode[decode.codec == "webp"].iloc[0]
    assert (webp.low_s, webp.high_s) == pytest.approx(np.percentile([0.02, 0.04, 0.06, 0.08] * 24, (25, 75)))
    assert (webp.bd_low, webp.bd_high) == pytest.approx((-20, -20), abs=1e-2)
    against_means = timed_codecs(gather_report_data([run], "none", "vtm-9.1", "pchip"))
    assert against_means["decode"].codecs.bd_low.isna().all()


def test_random_weights_keep_no_budget(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"lalic": 1.0}, weights={"lalic": "random"})
    timed = timed_codecs(gather_report_data([run], "lalic", "vtm-9.1", "pchip"))
    assert timed["decode"].codecs.networks_only.any()
    assert set(budgets_frame(timed).provenance) == {"published"}


def test_without_bd_rates_there_is_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, dataset="val", images=2)
    assert timed_codecs(gather_report_data([run], "none", "vtm-9.1", "pchip")) == {}
