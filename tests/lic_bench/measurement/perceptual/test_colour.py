import numpy as np
import pytest

from lic_bench.codecs.ycbcr import planes_from_bytes
from lic_bench.measurement.perceptual.colour import luma, video_file


def pixels(*colour: int) -> np.ndarray:
    return np.array(colour, np.uint8).reshape(1, 1, 3)


@pytest.mark.parametrize(("level", "y"), [(0, 64), (255, 940), (128, 504)])
def test_grey_in_video_range(level: int, y: int) -> None:
    assert planes_from_bytes(video_file(pixels(level, level, level)), 1, 1).flatten().tolist() == [y, 512, 512]


def test_blue_and_red_reach_the_ends_of_chroma() -> None:
    assert planes_from_bytes(video_file(pixels(0, 0, 255)), 1, 1)[1] == 960
    assert planes_from_bytes(video_file(pixels(255, 0, 0)), 1, 1)[2] == 960


def test_luma_is_full_range_and_not_rounded() -> None:
    assert luma(pixels(255, 255, 255)).item() == pytest.approx(255)
    assert luma(pixels(10, 20, 30)).item() == pytest.approx(2.126 + 14.304 + 2.166)
