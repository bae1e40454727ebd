import math

import numpy as np
import pytest
from scipy.fft import dct

from lic_bench.measurement.perceptual.colour import luma
from lic_bench.measurement.perceptual.psnr_hvs import JPEG_STEPS, SCALE, measure

# Ponomarenko's weights as he published them (psnrhvsm.m), first and last row.
PUBLISHED = (
    (1.608443, 2.339554, 2.573509, 1.608443, 1.072295, 0.643377, 0.504610, 0.421887),
    (0.357432, 0.279729, 0.270896, 0.262603, 0.229778, 0.257351, 0.249855, 0.259950),
)


def test_weights_are_the_published_ones() -> None:
    weights = SCALE / np.array(JPEG_STEPS)
    assert weights[[0, 7]] == pytest.approx(np.array(PUBLISHED), abs=1e-6)


def test_blocks_one_by_one(original: np.ndarray, decoded: np.ndarray) -> None:
    x, y = luma(original[:16, :24]), luma(decoded[:16, :24])
    total = 0.0
    for top in (0, 8):
        for left in (0, 8, 16):
            error = (x - y)[top : top + 8, left : left + 8]
            coefficients = dct(dct(error, axis=0, norm="ortho"), axis=1, norm="ortho")
            total += sum((coefficients[i, j] * SCALE / JPEG_STEPS[i][j]) ** 2 for i in range(8) for j in range(8))
    expected = 10 * math.log10(255**2 / (total / (16 * 24)))
    assert measure(original[:16, :24], decoded[:16, :24], ("psnr-hvs",), {})["psnr-hvs"] == pytest.approx(expected)


def test_value_of_the_package_psnr_hvsm(original: np.ndarray, decoded: np.ndarray) -> None:
    """Its version 0.3.0, which was held against TID2013's published values, gives 31.51371928 of the same luma."""
    assert measure(original, decoded, ("psnr-hvs",), {})["psnr-hvs"] == pytest.approx(31.51371928, abs=1e-5)


def test_a_constant_shift_by_hand() -> None:
    """Its only coefficient is 8 times the shift; sides that are no multiple of 8 change nothing."""
    grey = np.full((9, 13, 3), 100, np.uint8)
    expected = 10 * math.log10(255**2 / ((8 * 3 * SCALE / 16) ** 2 / 64))
    assert measure(grey, grey + 3, ("psnr-hvs",), {})["psnr-hvs"] == pytest.approx(expected)


def test_identical_pictures_have_no_finite_value(original: np.ndarray) -> None:
    assert measure(original, original, ("psnr-hvs",), {}) == {"psnr-hvs": None}
