"""Codecs that lack images are compared over those that all have, and it is said which ones are missing."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from lic_bench.report.frames.bd_rates import Anchor, bd_frame
from lic_bench.report.frames.rd_points import all_points
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
ANCHOR = "measured:jpeg"


def bd_rates(runs: list[Run], anchor: str = ANCHOR) -> pd.DataFrame:
    """Of PSNR, by run and codec; those of published curves aside."""
    rows = bd_frame(all_points(runs, ["vtm-9.1"]), Anchor.parse_all(anchor), "psnr_db")
    return rows[rows.provenance == "measured"].set_index(["run", "codec"])


def without(run: Run, images: Collection[str]) -> Run:
    """The run as if these images had not been in its folder."""
    run.records = run.records[~run.records.image.isin(images)]
    return run


def by_hand(run: Run, codec: str, images: Collection[str]) -> NDArray[np.float64]:
    """PSNR and bpp per quality: the means over these images."""
    own = run.records[(run.records.codec == codec) & run.records.image.isin(images)]
    bpp = 8 * own.payload_bytes.astype(float) / (own.width * own.height)
    means = own.assign(psnr_db=own.psnr_db.astype(float), bpp=bpp).groupby("quality")[["psnr_db", "bpp"]].mean()
    return means.to_numpy(np.float64)


def test_an_image_that_failed_for_one_codec_is_left_out_for_all(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "webp": 0.9, "avif": 0.5}, failing={("webp", 2, 5)})
    points = all_points([run], [])
    rows = bd_rates([run])
    assert rows.pchip.round(2).tolist() == [0.0, -10.0, -50.0]
    assert set(rows.n_points) == {4}
    assert set(rows.left_out) == {""}
    assert rows.image_set.nunique() == 1
    assert rows.image_set.iloc[0].startswith("kodak [23 images")
    assert set(rows.images_note) == {
        "Over 23 of 24 images, which all codecs here have; missing: im05.png for WebP.",
    }
    narrowed = points[points.narrowed & (points.codec == "jpeg")].sort_values("quality")
    images = {f"im{n:02}.png" for n in range(24)} - {"im05.png"}
    assert narrowed[["psnr_db", "bpp"]].to_numpy() == pytest.approx(by_hand(run, "jpeg", images))


def test_an_image_that_always_fails_takes_no_bd_rate_away(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "webp": 0.9}, failing={("webp", q, 5) for q in range(1, 5)})
    assert bd_rates([run]).pchip["r", "webp"] == pytest.approx(-10, abs=0.01)
    published = bd_rates([run], "vtm-9.1")
    assert published.pchip.notna()["r", "jpeg"]  # over all 24 images, as published
    assert published.image_set["r", "jpeg"] == "kodak"
    assert published.images_note["r", "jpeg"] == ""
    assert published.reason["r", "webp"] == (
        "Not comparable: VTM-9.1 is known over the 24 whole images of Kodak; this curve is over Kodak, 23 images. "
        "Over 23 of 24 images, which all codecs here have; missing: im05.png for WebP."
    )
    assert bd_rates([run], "vtm-9.1,jpeg").pchip["r", "webp"] == pytest.approx(-10, abs=0.01)


def test_images_that_one_run_left_out_are_said_by_run(make_run: MakeRun, tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole", {"jpeg": 1.0, "webp": 0.8}, dataset="val", images=5)
    fewer = make_run(tmp_path / "fewer", {"webp": 0.8, "avif": 0.5}, dataset="val", images=5, failing={("avif", 1, 4)})
    rows = bd_rates([whole, without(fewer, {"im01.png", "im03.png"})])
    assert rows.pchip.round(2).to_dict() == {
        ("whole", "jpeg"): 0.0,
        ("whole", "webp"): -20.0,
        ("fewer", "webp"): -20.0,
        ("fewer", "avif"): -50.0,
    }
    assert set(rows.images_note) == {
        "Over 2 of 5 images, which all codecs here have; missing: im01.png, im03.png in run fewer; "
        "im04.png for AVIF (libaom) in run fewer."
    }


def test_pictures_of_one_name_and_other_pixels_are_said(make_run: MakeRun, tmp_path: Path) -> None:
    one, two = (make_run(tmp_path / name, {"jpeg": 1.0}, dataset="val", images=3) for name in ("one", "two"))
    changed = two.records.image_sha256.where(two.records.image != "im02.png", "0" * 64)
    two.records = two.records.assign(image_sha256=changed)
    assert set(bd_rates([one, two]).images_note) == {
        "Over 2 of 3 images, which all codecs here have; missing: im02.png, whose pixels are others from run to run."
    }


def test_without_a_common_image_there_is_no_bd_rate_and_a_reason(make_run: MakeRun, tmp_path: Path) -> None:
    failing = {("jpeg", 1, 0), ("jpeg", 2, 1), ("webp", 3, 2), ("webp", 4, 3)}
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "webp": 0.9}, dataset="val", images=4, failing=failing)
    rows = bd_rates([run])
    assert rows.pchip.isna().all()
    assert set(rows.reason) == {"No image of val was coded by all codecs here at all their qualities."}


def test_a_quality_that_mostly_failed_or_is_not_done_yet_is_left_out_and_no_image(
    make_run: MakeRun, tmp_path: Path
) -> None:
    failing = {("webp", 4, image) for image in range(3)}
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "webp": 0.9}, dataset="val", images=5, failing=failing)
    is_to_come = (run.records.codec == "jpeg") & (run.records.quality == 1) & (run.records.image == "im04.png")
    run.records = run.records[~is_to_come]
    rows = bd_rates([run])
    assert rows.pchip["r", "webp"] == pytest.approx(-10, abs=0.01)
    assert rows.n_points.to_dict() == {("r", "jpeg"): 3, ("r", "webp"): 3}
    assert rows.left_out["r", "webp"] == "Quality 4 left out: only 2 of the images were coded"
    assert rows.left_out["r", "jpeg"] == "Quality 1 left out: only 4 of the images were coded"
    assert set(rows.images_note) == {""}


def test_a_run_of_fewer_images_on_purpose_takes_none_from_the_others(make_run: MakeRun, tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole", {"jpeg": 1.0, "webp": 0.8}, dataset="val", images=5)
    look = make_run(tmp_path / "look", {"webp": 0.8}, dataset="val", images=2)
    look.info["config"]["limit"] = 2
    rows = bd_rates([whole, look])
    assert rows.images_note["whole", "webp"] == ""
    assert rows.pchip["whole", "webp"] == pytest.approx(-20, abs=0.01)
    assert rows.reason["look", "webp"].startswith("Not comparable: JPEG is known over val, 5 images")


def test_random_weights_and_single_qualities_take_no_images_away(make_run: MakeRun, tmp_path: Path) -> None:
    codecs = {"jpeg": 1.0, "webp": 0.9, "lalic": 1.0}
    failing = {(codec, quality, 3) for codec in ("lalic", "avif") for quality in range(1, 5)}
    options = {"dataset": "val", "images": 4, "failing": failing}
    run = make_run(tmp_path / "r", codecs, weights={"lalic": "random"}, **options)
    one = make_run(tmp_path / "one", {"avif": 0.5}, **options)
    one.records = one.records[one.records.quality == 1]
    assert set(bd_rates([run, one]).loc["r"].images_note) == {""}
