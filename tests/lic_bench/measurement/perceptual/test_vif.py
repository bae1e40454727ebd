import numpy as np
import pytest
from scipy.signal import convolve2d

from lic_bench.measurement.perceptual.colour import luma
from lic_bench.measurement.perceptual.vif import measure, vif, windowed


def test_value_of_piq(original: np.ndarray, decoded: np.ndarray) -> None:
    """Its version 0.8.0 gives 0.64226057806 of the same luma in double precision; it adds 1e-8 here and there."""
    assert vif(luma(original), luma(decoded)) == pytest.approx(0.64226057806, abs=1e-8)


def test_the_window_is_the_two_dimensional_one() -> None:
    plane = np.random.default_rng(0).random((20, 20))
    y, x = np.mgrid[-4:5, -4:5]
    window = np.exp(-(x**2 + y**2) / (2 * (9 / 5) ** 2))
    assert windowed(plane, 9) == pytest.approx(convolve2d(plane, window / window.sum(), mode="valid"))


def test_only_the_original_counts_as_information(original: np.ndarray, decoded: np.ndarray) -> None:
    x, y = luma(original), luma(decoded)
    assert vif(x, x) == pytest.approx(1)
    forth, back = vif(x, y), vif(y, x)
    assert forth is not None
    assert back is not None
    assert forth + 0.01 < back


def test_raised_contrast_exceeds_one(original: np.ndarray) -> None:
    x = luma(original)
    value = vif(x, 1.5 * x)
    assert value is not None
    assert value > 1.05


def test_a_flat_original_has_no_information() -> None:
    grey = np.full((50, 50, 3), 77, np.uint8)
    assert measure(grey, grey + 1, ("vif",), {}) == {"vif": None}
