"""From a run of conventional codecs with saved pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lic_bench.analysis.matched_crops import Window, coding_options, matched_images, most_detailed_window
from lic_bench.errors import UserError
from lic_bench.images.sample_pictures import draw_sample
from lic_bench.run import session
from lic_bench.run.matched_sizes import Target
from lic_bench.run.options import Options


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for seed in (1, 2):
        Image.fromarray(draw_sample(seed, 96, 160)).save(folder / f"leaves{seed}.png")
    return folder


@pytest.fixture(scope="module")
def options(pictures: Path) -> Options:
    ladder = ("jpeg=20,60", "webp=1,30,99")
    return Options(codecs="jpeg,webp", datasets=str(pictures), qualities=ladder, out=pictures.parent / "crops")


@pytest.fixture(scope="module")
def run(options: Options) -> Path:
    folder = options.out / "ladders"
    session.run(replace(options, out=folder, measure="quality", save="pictures"), session.Silent())
    return folder


def test_each_codec_is_at_the_quality_nearest_in_rate(run: Path, options: Options) -> None:
    images = matched_images(run, options, target=Target("jpeg", 20))
    assert [image.name for image in images] == ["leaves1.png", "leaves2.png"]
    for image in images:
        jpeg, webp = image.reconstructions
        assert (jpeg.record.codec, jpeg.record.quality) == ("jpeg", 20)
        others = matched_images(run, replace(options, codecs="webp,jpeg"), target=Target("webp", 99))[0]
        assert others.reconstructions[0].bpp > 1.3 * webp.bpp
        assert abs(np.log(webp.bpp / jpeg.bpp)) < abs(np.log(others.reconstructions[0].bpp / jpeg.bpp))


def test_numbers_are_those_of_the_records_and_the_window(run: Path, options: Options) -> None:
    image = matched_images(run, replace(options, limit=1), Window(10, 20, 30, 40))[0]
    for shown in image.reconstructions:
        assert shown.psnr_db == pytest.approx(shown.record.psnr_db)
        assert shown.bpp == 8 * (shown.record.payload_bytes or 0) / (96 * 160)
        part = (image.original[20:60, 10:40].astype(int) - shown.pixels[20:60, 10:40]) ** 2
        assert shown.crop_psnr_db == pytest.approx(10 * np.log10(255**2 / part.mean()))


def test_classical_codecs_search_the_rate_of_the_first(options: Options) -> None:
    coding, target = coding_options(replace(options, qualities=(), limit=1))
    assert (target, coding.match, coding.qualities) == (Target("jpeg", 50), "jpeg:50", ("jpeg=50",))
    session.run(coding, session.Silent())
    (image,) = matched_images(coding.out, coding, target=target)
    jpeg, webp = image.reconstructions
    assert webp.bpp == pytest.approx(jpeg.bpp, rel=0.05)


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({}, {"target": Target("jpeg", 21)}, "has no image of --datasets .* by jpeg:21"),
        ({"codecs": "avif"}, {}, "keeps no pictures of 'avif'; it has jpeg, webp"),
        ({}, {"window": Window(150, 0, 20, 20)}, "150,0,20,20 is not inside of a picture of 160 x 96"),
    ],
)
def test_what_a_run_lacks_is_one_line(
    run: Path, options: Options, changes: dict[str, str], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        matched_images(run, replace(options, **changes), **arguments)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "1,2,3,-4", "a,b,c,d", "1,2,0,4"])
def test_a_window_is_four_numbers(text: str) -> None:
    with pytest.raises(UserError, match="--window"):
        Window.parsed(text)


@given(st.integers(0, 60), st.integers(0, 90), st.integers(8, 20))
def test_the_most_detailed_window_is_where_the_noise_is(top: int, left: int, side: int) -> None:
    pixels = np.full((80, 110, 3), 128, np.uint8)
    pixels[top : top + side, left : left + side] = np.random.default_rng(0).integers(0, 256, (side, side, 1))
    height, width = pixels[top : top + side, left : left + side].shape[:2]
    window = most_detailed_window(pixels, side + 1)
    assert top - side - 1 + height <= window.y <= top
    assert left - side - 1 + width <= window.x <= left
    assert window.of(pixels).std() > 10


def test_a_small_picture_is_taken_whole() -> None:
    assert most_detailed_window(draw_sample(1, 20, 300)) == most_detailed_window(draw_sample(1, 20, 300), 128)
    assert most_detailed_window(draw_sample(1, 20, 30)) == Window(0, 0, 30, 20)
