import numpy as np
import pytest

from lic_bench.measurement.perceptual.colour import luma
from lic_bench.measurement.perceptual.iw_ssim import BINOMIAL, enlarged, iw_ssim, measure, pyramid


def test_value_of_piq(original: np.ndarray, decoded: np.ndarray) -> None:
    """Its version 0.8.0 gives 0.98579898 in double precision; it divides the exponents by their sum, 1.0001."""
    measured = iw_ssim(luma(original), luma(decoded))
    assert measured is not None
    assert measured ** (1 / 1.0001) == pytest.approx(0.9857989778, abs=2e-7)


def test_value_of_piq_at_odd_sizes(original: np.ndarray, decoded: np.ndarray) -> None:
    measured = iw_ssim(luma(original[:171, :333]), luma(decoded[:171, :333]))
    assert measured is not None
    assert measured ** (1 / 1.0001) == pytest.approx(0.9838673830, abs=2e-7)


def test_one_for_identical_pictures_and_falls(original: np.ndarray, decoded: np.ndarray) -> None:
    x, y = luma(original), luma(decoded)
    same, good, bad = (iw_ssim(x, picture) for picture in (x, y, y / 2))
    assert same == pytest.approx(1)
    assert good is not None
    assert bad is not None
    assert bad < good < 1


def test_the_pyramid_is_that_of_a_plane(original: np.ndarray) -> None:
    """Bands and the rest in turn give the plane again: upsampled, filtered, added."""
    levels = list(pyramid(luma(original[:171, :200])))
    assert [level.shape for level in levels] == [(171, 200), (86, 100), (43, 50), (22, 25), (11, 13)]
    assert BINOMIAL.sum() ** 2 == pytest.approx(2)
    grey = list(pyramid(np.full((176, 176), 3.0)))
    assert grey[-1] == pytest.approx(np.full((11, 11), 3.0 * 2**4))  # each level is twice as bright
    assert grey[0] == pytest.approx(np.zeros((176, 176)), abs=1e-9)


def test_enlarging_keeps_a_ramp() -> None:
    ramp = np.arange(12.0)[:, None] * np.ones(5)
    large = enlarged(ramp)
    assert large.shape == (24, 10)
    steps = np.diff(large[2:-2, 0])
    assert steps == pytest.approx(np.full(steps.shape, 12 / 45 * 2))


@pytest.mark.parametrize("shift", [0, 1])
def test_a_flat_original_has_no_information(shift: int) -> None:
    flat = np.full((170, 170, 3), 77, np.uint8)
    assert measure(flat, flat + shift, ["iw-ssim"], {}) == {"iw-ssim": None}
