"""What a variant gains is paired with its base by quality and image; without sync it has no point."""

from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lic_bench.report.frames.rd_points import all_points
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.report.frames.variant_gains import variants_after_bases, variants_frame
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
VARIANT = "elic@bf16"


@pytest.fixture
def run(make_run: MakeRun, tmp_path: Path) -> Run:
    """The variant, which comes first, needs 1 % less bytes than its base, and of image 0 at quality 1 no record."""
    made = make_run(tmp_path / "run", {VARIANT: 0.99, "jpeg": 1.5, "elic": 1.0}, images=3)
    made.records = made.records.drop(index=0)
    return made


def changed(run: Run, codec: str, quality: int | None = None, **values: Any) -> Run:
    """The run with these values in the records of a codec."""
    other = copy(run)
    other.records = run.records.copy()
    for at, row in run.records.iterrows():
        if row.codec == codec and quality in (None, row.quality):
            for name, value in values.items():
                other.records.at[at, name] = value
    return other


def gains(run: Run) -> Any:
    (row,) = variants_frame(run).itertuples()
    return row


def test_speed_is_the_median_over_pairs_bytes_and_memory_are_means(run: Run) -> None:
    fast = {"encode_s": [0.005], "peak_memory_bytes": {"encode_rss_growth": 100_000_000}}
    row = gains(changed(changed(run, VARIANT, **fast), VARIANT, 1, psnr_db=20.0))
    assert (row.codec, row.base, row.label, row.qualities, row.n_images) == (
        VARIANT,
        "elic",
        "ELIC bf16",
        (1, 2, 3, 4),
        3,
    )
    assert row.encode_speed_up == pytest.approx(6.0)  # of 2, 2, 4, 4, 4, 6, 6, 6, 8, 8, 8
    assert row.decode_speed_up == 1
    assert row.bytes_change == pytest.approx(-0.01, abs=1e-4)
    assert row.memory_change == pytest.approx(-0.75)
    assert row.psnr_change_db == pytest.approx((40 - 56.0 - 0.1) / 11)  # at two images of quality 1, 28.0 and 28.1
    assert not row.bytes_equal


def test_bytes_are_equal_only_if_every_bitstream_is(run: Run) -> None:
    same = changed(changed(run, VARIANT, bitstream_sha256="ab"), "elic", bitstream_sha256="ab")
    assert gains(same).bytes_equal
    assert not gains(changed(same, VARIANT, 3, bitstream_sha256="cd")).bytes_equal
    assert not gains(run).bytes_equal  # whose records do not say


def test_the_largest_difference_is_that_of_any_image(run: Run) -> None:
    assert pd.isna(gains(run).largest_difference)
    assert gains(changed(changed(run, VARIANT, base_max_abs=2), VARIANT, 2, base_max_abs=7)).largest_difference == 7


def test_without_its_base_there_is_nothing_to_compare(run: Run) -> None:
    alone = copy(changed(run, VARIANT, base_max_abs=2))
    alone.records = alone.records[alone.records.codec != "elic"]
    row = gains(alone)
    assert (row.base_measured, row.qualities, row.largest_difference) == (False, (1, 2, 3, 4), 2)
    assert pd.isna([row.encode_speed_up, row.bytes_change, row.psnr_change_db, row.memory_change]).all()


def test_at_a_quality_without_sync_a_variant_has_no_point_and_takes_no_image_from_others(
    make_run: MakeRun, tmp_path: Path
) -> None:
    lost = make_run(tmp_path, {"elic": 1.0, VARIANT: 0.9}, images=3, failing=[(VARIANT, 2, 1)])
    lost = changed(lost, VARIANT, 2, failure="out_of_sync")
    points = all_points([lost], ())
    assert not points.narrowed.any()
    assert {codec: set(own.quality) for codec, own in points.groupby("codec")} == {
        "elic": {1, 2, 3, 4},
        VARIANT: {1, 3, 4},
    }
    row = gains(lost)
    assert (row.qualities, row.n_failed, row.n_out_of_sync, row.error) == ((1, 3, 4), 1, 1, "decoder out of sync")


def test_variants_follow_their_base_in_all_tables(run: Run) -> None:
    ordered = variants_after_bases(run)
    assert list(dict.fromkeys(ordered.records.codec)) == ["elic", VARIANT, "jpeg"]
    for _, own in ordered.records.groupby("codec"):
        assert own.index.is_monotonic_increasing
    data = gather_report_data([run], "none", "jpeg", "pchip")
    points = data.points[data.points.provenance == "measured"]
    for frame in (data.latency, points):
        assert list(dict.fromkeys(frame.codec)) == ["elic", VARIANT, "jpeg"]
