"""Pairs with known answers: of the same ladder with other sizes, the ratios follow by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lic_bench.report.frames.coded_images import coded_datasets
from lic_bench.report.frames.matched_pairs import matched_pairs_frame
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


def pairs_of(*runs: Run) -> list[Any]:
    return list(matched_pairs_frame(list(coded_datasets(runs))).itertuples())


def test_sizes_within_the_tolerance(make_run: MakeRun, tmp_path: Path) -> None:
    (pair,) = pairs_of(make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 0.95}, images=3))
    assert (pair.codec, pair.other_codec, pair.n_points, pair.n_matched) == ("jpeg", "webp", 12, 12)
    assert pair.size_difference == pytest.approx(0.05, abs=1e-4)
    assert pair.psnr_difference_db == pytest.approx(0)
    assert (pair.encode_ratio, pair.decode_ratio) == (pytest.approx(1), pytest.approx(1))
    assert (pair.n_equal, pair.size_ratio) == (12, pytest.approx(0.95, abs=1e-4))


def test_the_nearest_size_is_at_another_quality(make_run: MakeRun, tmp_path: Path) -> None:
    # webp has at quality q the size that jpeg has at q + 1, 2.5 dB less and q / (q + 1) of the time
    (pair,) = pairs_of(make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 2.0}, images=3))
    assert (pair.n_points, pair.n_matched, pair.n_timed) == (12, 9, 9)
    assert pair.size_difference == pytest.approx(0, abs=1e-4)
    assert pair.psnr_difference_db == pytest.approx(-2.5)
    assert pair.encode_ratio == pytest.approx((1 / 4) ** (1 / 3))
    assert pair.size_ratio == pytest.approx(2, abs=1e-3)


def test_times_of_two_runs_are_not_compared(make_run: MakeRun, tmp_path: Path) -> None:
    (pair,) = pairs_of(
        make_run(tmp_path / "a", {"jpeg": 1.0}, images=3), make_run(tmp_path / "b", {"webp": 1.0}, images=3)
    )
    assert (pair.n_matched, pair.n_timed) == (12, 0)
    assert pair.encode_ratio != pair.encode_ratio  # NaN


def test_only_the_same_pictures_are_paired(make_run: MakeRun, tmp_path: Path) -> None:
    many = make_run(tmp_path / "many", {"jpeg": 1.0}, images=4)
    assert pairs_of(many, make_run(tmp_path / "few", {"webp": 1.0}, images=3))[0].n_points == 12
    assert pairs_of(many, make_run(tmp_path / "other", {"webp": 1.0}, images=3, pictures="others")) == []
    assert pairs_of(many, make_run(tmp_path / "tecnick", {"webp": 1.0}, images=3, dataset="tecnick")) == []
    assert pairs_of(many, make_run(tmp_path / "again", {"jpeg": 1.0}, images=4)) == []  # of one codec


def test_a_lossless_picture_counts_where_its_psnr_does_not(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 1.0}, images=1)
    run.records.loc[(run.records.codec == "webp") & (run.records.quality == 4), "psnr_db"] = float("nan")
    (pair,) = pairs_of(run)
    assert (pair.n_matched, pair.n_equal) == (4, 3)
    assert pair.psnr_difference_db == pytest.approx(0)
