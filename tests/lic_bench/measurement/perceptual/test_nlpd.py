import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve2d

from lic_bench.measurement.perceptual.nlpd import LOW_PASS, NORMALISATION, measure, normalised


def nlpd(x: np.ndarray, y: np.ndarray) -> float:
    value = measure(x, y, ("nlpd",), {})["nlpd"]
    assert value is not None
    return value


def test_value_on_the_sample(original: np.ndarray, decoded: np.ndarray) -> None:
    """On five pairs of TID2013 it is what the authors' program gives, to seven digits (docs/perceptual.md)."""
    assert nlpd(original, decoded) == pytest.approx(0.1031239323, abs=1e-9)


def test_grey_pictures_by_hand() -> None:
    """Only the coarsest level sees them, one sample of it here, divided by its constant alone."""
    x, y = (np.full((32, 32, 3), level, np.uint8) for level in (51, 102))
    assert nlpd(x, y) == pytest.approx((102 - 51) / 255 / 0.2782 / 6)


def test_first_level_by_two_dimensional_convolution() -> None:
    plane = np.random.default_rng(0).random((16, 16))
    kernel = np.outer(LOW_PASS, LOW_PASS)
    low = convolve2d(np.pad(plane, 2, mode="symmetric"), kernel, mode="valid")[::2, ::2]
    sparse = np.zeros((20, 20))
    sparse[::2, ::2] = np.pad(low, 1, mode="edge")
    band = plane - 4 * convolve2d(sparse, kernel, mode="same")[2:18, 2:18]
    constant, (below, above), row = NORMALISATION[0]
    around = np.zeros((5, 5))
    around[2] = row
    around[1, 2], around[3, 2] = below, above
    expected = band / (constant + convolve2d(np.abs(band), around, mode="same"))
    assert next(normalised(plane)) == pytest.approx(expected)


@settings(max_examples=10, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), seed=st.integers(0, 9))
def test_a_distance_at_every_size(height: int, width: int, seed: int) -> None:
    x, y = np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), np.uint8)
    assert nlpd(x, y) == pytest.approx(nlpd(y, x))
    assert nlpd(x, x) == 0 < nlpd(x, y)
