"""Sizes and quality per image: as the records have them, on the page only where that stays short."""

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from lic_bench.report.frames.per_image import PER_IMAGE, per_image_frame
from lic_bench.report.frames.rd_points import rd_points
from lic_bench.report.tables.notations import to_html
from lic_bench.report.tables.per_image_table import MOST_ROWS, per_image_csv, per_image_table
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


def test_the_means_over_the_images_are_the_points(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "elic": 0.5}, failing={("elic", 2, 3)})
    frame = pd.read_csv(io.StringIO(per_image_csv(per_image_frame(run))))
    assert list(frame) == PER_IMAGE
    assert len(frame) == 2 * 4 * 24 - 1
    means = frame.groupby(["codec", "quality"], sort=False)[["bpp", "psnr_db", "ms_ssim_db"]].mean()
    points = rd_points(run).set_index(["codec", "quality"])[["bpp", "psnr_db", "ms_ssim_db"]]
    pd.testing.assert_frame_equal(means, points, check_index_type=False)


def test_random_weights_and_what_was_not_measured_have_no_rows(make_run: MakeRun, tmp_path: Path) -> None:
    assert per_image_frame(make_run(tmp_path / "r", {"lalic": 1.0}, weights={"lalic": "random"})).empty


@pytest.mark.parametrize("images", [3, 76])
def test_a_page_shows_the_rows_or_says_where_they_are(make_run: MakeRun, tmp_path: Path, images: int) -> None:
    frame = per_image_frame(make_run(tmp_path / "r", {"jpeg": 1.0}, images=images))
    html = to_html(per_image_table(frame))
    assert (len(frame) > MOST_ROWS) is (images == 76)
    assert html.count("im00.png") == (4 if images == 3 else 0)
    assert "per_image.csv" in html
    assert ("304 rows" in html) is (images == 76)
    assert ("<table" in html) is (images == 3)
