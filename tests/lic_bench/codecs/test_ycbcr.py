from pathlib import Path

import numpy as np
import pytest
import torch
from compressai.transforms.functional import rgb2ycbcr, ycbcr2rgb
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from lic_bench.codecs.ycbcr import (
    Pixels,
    gbr_to_rgb,
    planes_from_bytes,
    planes_to_bytes,
    rgb_to_gbr,
    rgb_to_ycbcr,
    ycbcr_to_rgb,
    ycbcr_to_unit_rgb,
)

pictures = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


def psnr(one: Pixels, other: Pixels) -> float:
    mse = np.mean((one.astype(float) - other) ** 2)
    return float("inf") if mse == 0 else 10 * np.log10(255**2 / mse)


@given(pictures)
def test_ten_bits_lose_nothing(pixels: Pixels) -> None:
    planes = rgb_to_ycbcr(pixels, 10)
    assert planes.dtype == np.uint16
    assert planes.max() <= 1023
    assert np.array_equal(ycbcr_to_rgb(planes, 10), pixels)


@given(pictures)
def test_eight_bits_lose_at_most_two_levels(pixels: Pixels) -> None:
    back = ycbcr_to_rgb(rgb_to_ycbcr(pixels, 8), 8)
    assert np.abs(back.astype(int) - pixels).max() <= 2


@given(st.integers(0, 255), st.sampled_from([8, 10]))
def test_grey_has_no_colour(level: int, bits: int) -> None:
    planes = rgb_to_ycbcr(np.full((1, 1, 3), level, np.uint8), bits)
    assert planes[1:].tolist() == [[[2 ** (bits - 1)]]] * 2
    assert planes[0, 0, 0] == round(level * (2**bits - 1) / 255)


def test_primaries_have_the_values_of_bt_709() -> None:
    red, green, blue = (rgb_to_ycbcr(np.array([[colour]], np.uint8) * 255, 8)[:, 0, 0] for colour in np.eye(3))
    assert red.tolist() == [54, 99, 255]
    assert green.tolist() == [182, 30, 12]
    assert blue.tolist() == [18, 255, 116]


def test_the_conversion_alone_is_far_above_what_codecs_reach(shared: Path) -> None:
    files = sorted((shared / "data" / "kodak").rglob("kodim*.png"))
    assert len(files) == 24
    for file in files:
        pixels = np.asarray(Image.open(file).convert("RGB"))
        assert psnr(pixels, ycbcr_to_rgb(rgb_to_ycbcr(pixels, 10), 10)) >= 60


def test_rounding_matters_at_eight_bits() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    rounded = ycbcr_to_rgb(rgb_to_ycbcr(pixels, 8), 8)
    cut = ycbcr_to_rgb(rgb_to_ycbcr(pixels, 8, truncate=True), 8, truncate=True)
    assert psnr(pixels, rounded) == pytest.approx(53.0, abs=0.1)
    assert psnr(pixels, cut) == pytest.approx(43.7, abs=0.1)


@given(pictures)
def test_truncating_gives_the_levels_of_compressai(pixels: Pixels) -> None:
    rgb = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float() / 255
    planes = (np.clip(rgb2ycbcr(rgb).numpy(), 0, 1) * 255).astype(np.uint8)
    assert np.array_equal(rgb_to_ycbcr(pixels, 8, truncate=True), planes)
    unit = ycbcr2rgb(torch.from_numpy(planes).float() / 255).numpy()
    assert np.array_equal(ycbcr_to_unit_rgb(planes, 8, truncate=True), unit)
    back = (unit.clip(0, 1).transpose(1, 2, 0) * 255.0).astype(np.uint8)
    assert np.array_equal(ycbcr_to_rgb(planes, 8, truncate=True), back)


@given(pictures)
def test_gbr_is_green_blue_red_and_back(pixels: Pixels) -> None:
    planes = rgb_to_gbr(pixels)
    assert np.array_equal(planes, np.stack((pixels[..., 1], pixels[..., 2], pixels[..., 0])))
    assert np.array_equal(gbr_to_rgb(planes), pixels)


@given(pictures, st.sampled_from([8, 10]))
def test_a_raw_file_comes_back(pixels: Pixels, bits: int) -> None:
    planes = rgb_to_ycbcr(pixels, bits)
    data = planes_to_bytes(planes)
    assert len(data) == pixels.size * (1 if bits == 8 else 2)
    assert np.array_equal(planes_from_bytes(data, *pixels.shape[:2], bits), planes)


def test_ten_bit_samples_are_little_endian_and_planes_follow_each_other() -> None:
    planes = np.array([[[1, 2]], [[3, 256]], [[5, 1023]]], np.uint16)
    assert planes_to_bytes(planes) == bytes([1, 0, 2, 0, 3, 0, 0, 1, 5, 0, 255, 3])


@pytest.mark.parametrize(("size", "bits"), [(5, 8), (7, 8), (6, 10), (13, 10)])
def test_a_file_of_another_size_is_refused(size: int, bits: int) -> None:
    with pytest.raises(ValueError, match=f"{size} bytes where a 2x1 picture of 4:4:4 at {bits} bit has"):
        planes_from_bytes(bytes(size), 1, 2, bits)
