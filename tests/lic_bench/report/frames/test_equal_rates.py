"""The made-up runs double their rate every 2.5 dB, so that every value has a closed form."""

from collections.abc import Callable
from math import log2
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lic_bench.report.frames.coded_images import coded_datasets
from lic_bench.report.frames.common_images import common_images
from lic_bench.report.frames.equal_rates import equal_rates_frame
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
TILTS = [0.1 * (image - 11.5) for image in range(24)]  # dB that an image has more than the mean


def frame_of(*runs: Run) -> pd.DataFrame:
    return equal_rates_frame(common_images(runs), list(coded_datasets(runs)))


def cell(frame: pd.DataFrame, codec: str, target: str) -> Any:
    (row,) = frame[(frame.codec == codec) & (frame.target == target)].itertuples()
    return row


def bpp_at(psnr_db: float, images: range, offset: float = 0.0) -> float:
    return sum(0.1 * 2 ** ((psnr_db - 28 - offset - TILTS[i]) / 2.5) for i in images) / len(images)


def test_values_in_closed_form(make_run: MakeRun, tmp_path: Path) -> None:
    frame = frame_of(make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 0.5}))
    assert cell(frame, "jpeg", "0.15_bpp").value == pytest.approx(28 + 2.5 * log2(1.5), abs=1e-3)
    assert cell(frame, "webp", "0.075_bpp").value == pytest.approx(28 + 2.5 * log2(1.5), abs=1e-3)
    assert cell(frame, "jpeg", "33_db").value == pytest.approx(bpp_at(33, range(24)), rel=1e-3)
    assert cell(frame, "webp", "33_db").value == pytest.approx(bpp_at(33, range(24)) / 2, rel=1e-3)
    assert set(frame[frame.target == "0.3_bpp"].n_images) == {24}


def test_a_codec_that_reaches_less_than_half_has_no_value_and_the_others_keep_theirs(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 0.5, "avif": 1.0})
    frame = frame_of(run)
    assert cell(frame, "jpeg", "0.075_bpp").n_reached == 0
    assert cell(frame, "webp", "0.075_bpp").n_images == 24
    run.records.loc[run.records.codec == "avif", "psnr_db"] += 1
    high = cell(frame_of(run), "avif", "36_db")
    assert (high.n_images, high.n_pictures) == (17, 24)  # 36.5 dB plus the tilt of images 7 to 23 is above 36
    assert high.value == pytest.approx(bpp_at(36, range(7, 24), offset=1), rel=1e-3)
    low = cell(frame_of(run), "jpeg", "36_db")
    assert (low.n_images, low.n_reached) == (0, 7)
    assert pd.isna(low.value)


def test_all_codecs_of_a_column_have_the_same_images(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 1.0})
    run.records.loc[run.records.codec == "webp", "psnr_db"] += 2.05  # begins above 30 dB but for images 0 to 10
    run.records.loc[(run.records.codec == "webp") & (run.records.image == "im11.png"), "psnr_db"] -= 0.1
    frame = frame_of(run)
    assert [cell(frame, codec, "30_db").n_images for codec in ("jpeg", "webp")] == [12, 12]
    assert cell(frame, "jpeg", "30_db").n_reached == 24
    assert cell(frame, "jpeg", "30_db").value == pytest.approx(bpp_at(30, range(12)), rel=1e-3)


def test_a_codec_whose_images_have_other_qualities_each_is_there(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 0.9})
    place = run.records.image.str.slice(2, 4).astype(int) % 4 + 1
    run.records = run.records[(run.records.codec != "webp") | (run.records.quality != place)]
    row = cell(frame_of(run), "webp", "0.3_bpp")
    assert (row.n_images, row.value) == (24, pytest.approx(28 + 2.5 * log2(3 / 0.9), abs=1e-3))


def test_runs_of_other_images_do_not_take_each_others(make_run: MakeRun, tmp_path: Path) -> None:
    many = make_run(tmp_path / "many", {"jpeg": 1.0})
    other = make_run(tmp_path / "other", {"webp": 1.0}, images=3, pictures="others")
    frame = frame_of(many, other)
    assert cell(frame, "jpeg", "0.3_bpp").n_images == 24
    assert cell(frame, "webp", "0.3_bpp").n_images == 3


def test_random_weights_and_runs_without_quality_have_no_rows(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"lalic": 1.0, "jpeg": 1.0}, weights={"lalic": "random"}, images=2)
    assert set(frame_of(run).codec) == {"jpeg"}
    run.records["psnr_db"] = float("nan")
    assert frame_of(run).empty
