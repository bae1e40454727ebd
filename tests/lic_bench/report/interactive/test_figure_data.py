"""The interactive figures show the numbers of the frames, and everything that the static ones show."""

import json
from collections.abc import Callable

import pytest

from lic_bench.report.figures.codec_style import MARKERS
from lic_bench.report.frames.report_data import ReportData, gather_report_data
from lic_bench.report.interactive.figure_data import SYMBOLS, figure_data
from lic_bench.store.run_folder import Run


@pytest.fixture(scope="module")
def data(make_run: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    run = make_run(tmp_path_factory.mktemp("run") / "r", {"jpeg": 1.0, "webp": 0.9})
    return gather_report_data([run], "paper", "jpeg", "pchip")


def test_a_point_has_quality_rate_decibels_images_and_times(data: ReportData) -> None:
    curves = figure_data(data)["curves"]
    (webp,) = [c for c in curves if c["label"] == "WebP" and c["metric"] == "PSNR" and c["set"].startswith("kodak")]
    assert [point[0] for point in webp["points"]] == [1, 2, 3, 4]
    _, bpp, psnr_db, images, encode_ms, decode_ms, timed = webp["points"][1]
    assert bpp == pytest.approx(0.9 * 0.2, rel=1e-4)
    assert psnr_db == pytest.approx(30.5)
    assert (images, timed) == (24, 24)
    assert encode_ms == pytest.approx(20)
    assert decode_ms == pytest.approx(40)


def test_published_points_have_no_quality_and_no_times(data: ReportData) -> None:
    published = [c for c in figure_data(data)["curves"] if c["provenance"] == "published"]
    assert {"LALIC", "ELIC"} <= {c["label"] for c in published}
    assert all(point[0] is point[4] is point[5] is None for curve in published for point in curve["points"])


def test_latencies_are_offered_for_both_operations(data: ReportData) -> None:
    views = [view for view in figure_data(data)["latency"] if view["metric"] == "PSNR"]
    assert [view["operation"] for view in views if view["anchor"].startswith("JPEG")] == ["decode", "encode"]
    (webp,) = [codec for codec in views[0]["codecs"] if codec["label"] == "WebP"]
    assert webp["bd_rate"] == pytest.approx(-10, abs=0.01)
    assert webp["ms"] == pytest.approx(50)  # twice 10, 20, 30, 40
    assert (webp["n_images"], webp["n_qualities"]) == (24, 4)


def test_it_is_json_that_browsers_read(data: ReportData) -> None:
    assert len(json.dumps(figure_data(data), allow_nan=False)) < 200_000
    assert set(SYMBOLS) == set(MARKERS)
