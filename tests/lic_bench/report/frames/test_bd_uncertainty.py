"""Made-up codecs whose BD-rates are known for certain, and the shipped runs, where images do differ."""

from collections.abc import Callable, Sequence
from math import log2
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lic_bench.rate_distortion.image_bootstrap import MIN_IMAGES
from lic_bench.report.frames.bd_rates import Anchor, bd_frame
from lic_bench.report.frames.bd_uncertainty import uncertainty_frame
from lic_bench.report.frames.common_images import common_images
from lic_bench.report.frames.image_curves import image_pools
from lic_bench.report.frames.rd_points import all_points
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
SHIPPED = Path(__file__).parents[4] / "results" / "measured"


def frame_of(runs: Sequence[Run], anchor: str, points: pd.DataFrame) -> pd.DataFrame:
    anchors = Anchor.parse_all(anchor)
    return uncertainty_frame(
        points, bd_frame(points, anchors, "psnr_db"), image_pools(runs, common_images(runs)), anchors, {}
    )


def row_of(frame: pd.DataFrame, codec: str) -> Any:
    return next(frame[frame.codec == codec].itertuples())


def test_a_tenth_more_bits_is_ten_percent_for_certain(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"webp": 1.1, "jpeg": 1.0, "avif": 1.1})
    frame = frame_of([run], "jpeg", all_points([run], ()))
    for codec in ("webp", "avif"):
        row = row_of(frame, codec)
        spans = (row.low, row.high, row.mean_low, row.mean_high, row.methods_low, row.methods_high)
        assert (row.bd_rate, row.mean, row.median, *spans) == pytest.approx([10] * 9, abs=1e-2)
        assert (row.n_valued, row.n_images, row.group) == (24, 24, 2)
        assert row.bd_psnr_db == pytest.approx(-2.5 * log2(1.1), abs=1e-3)  # the ladder doubles its rate every 2.5 dB
    anchor = row_of(frame, "jpeg")
    assert (anchor.bd_rate, anchor.group, pd.isna(anchor.low)) == (0, 1, True)


def test_few_images_have_neither_interval_nor_group(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"webp": 1.1, "jpeg": 1.0}, images=MIN_IMAGES - 1)
    row = row_of(frame_of([run], "jpeg", all_points([run], ())), "webp")
    assert row.mean == pytest.approx(10, abs=1e-2)
    assert pd.isna([row.low, row.mean_low, row.group]).all()


def test_a_codec_is_compared_with_the_anchor_of_its_own_run(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, {"jpeg": 1.0, "webp": factor}) for name, factor in (("a", 0.9), ("b", 0.5))]
    runs[1].records.loc[runs[1].records.codec == "jpeg", "payload_bytes"] *= 2
    frame = frame_of(runs, "jpeg", all_points(runs, ()))
    found = frame[frame.codec == "webp"].set_index("run").bd_rate
    assert found.to_dict() == pytest.approx({"a": -10, "b": -75}, abs=1e-2)


@pytest.fixture(scope="module")
def shipped() -> tuple[list[Run], pd.DataFrame]:
    runs = [Run(SHIPPED / name) for name in ("kodak", "kodak-lalic-small")]
    return runs, all_points(runs, ("vtm-9.1", "elic"))


def test_against_means_nothing_is_known_per_image(shipped: tuple[list[Run], pd.DataFrame]) -> None:
    frame = frame_of(shipped[0], "vtm-9.1,jpeg", shipped[1])
    measured, means = frame[frame.n_images.notna()], frame[frame.n_images.isna()]
    assert set(measured.anchor) == {"JPEG"}
    assert set(means.anchor) == {"VTM-9.1"}
    assert set(measured.codec) == set(means.codec[means.provenance == "measured"])
    elic = row_of(means, "elic")
    assert pd.isna([elic.low, elic.mean, elic.median, elic.n_images, elic.group]).all()
    assert elic.loo_low < elic.bd_rate < elic.loo_high
    assert elic.bd_psnr_db > 0


def test_shipped_codecs_lie_in_their_intervals(shipped: tuple[list[Run], pd.DataFrame]) -> None:
    runs, points = shipped
    frame = frame_of(runs, "jpeg", points)
    measured = frame[frame.n_images.notna()]
    inner = measured[measured.curve != measured.anchor_curve]
    assert ((inner.low < inner.bd_rate) & (inner.bd_rate < inner.high)).all()
    assert ((inner.mean_low < inner["mean"]) & (inner["mean"] < inner.mean_high)).all()
    assert measured.bd_rate.is_monotonic_increasing
    assert row_of(frame, "lalic-small").group == row_of(frame, "jpeg2000").group  # -48.8 and -46.5 %
    against = bd_frame(points, Anchor.parse_all("jpeg"), "psnr_db").set_index("curve").pchip
    assert inner.bd_rate.tolist() == pytest.approx(against[inner.curve].tolist())


def test_without_a_measured_anchor_the_best_codec_is_it(shipped: tuple[list[Run], pd.DataFrame]) -> None:
    frame = frame_of(shipped[0], "vtm-9.1", shipped[1])
    measured = frame[frame.n_images.notna()]
    assert set(measured.anchor) == {"VVenC 4:2:0"}
    assert measured.bd_rate.min() == 0


def test_a_pool_has_the_images_that_all_codecs_have(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 1.1}, failing={("webp", 2, 3)})
    ((jpeg, webp),) = image_pools([run], common_images([run]))
    assert len(jpeg.curves) == len(webp.curves) == 23
    assert jpeg.image_set.startswith("kodak [23 images")
    alone = make_run(tmp_path / "alone", {"jpeg": 1.0})
    assert image_pools([alone], common_images([alone])) == []
