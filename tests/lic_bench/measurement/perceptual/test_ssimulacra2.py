import numpy as np
import pytest

from lic_bench.measurement.perceptual.ssimulacra2 import RADIUS, SIGMA, gaussian, halved, measure, to_xyb
from lic_bench.measurement.perceptual.ssimulacra2_weights import WEIGHTS


def score(x: np.ndarray, y: np.ndarray) -> float:
    value = measure(x, y, ("ssimulacra2",), {})["ssimulacra2"]
    assert value is not None
    return value


def test_value_of_the_reference_program(original: np.ndarray, decoded: np.ndarray) -> None:
    """The authors' program in libjxl 0.11.2 gives 66.18108612, with the noise of its single precision."""
    assert score(original, decoded) == pytest.approx(66.18108612, abs=0.01)


def test_identical_pictures(original: np.ndarray) -> None:
    assert score(original, original) == 100


def test_falls_with_growing_noise(original: np.ndarray) -> None:
    noise = np.random.default_rng(0).integers(-1, 2, original.shape)
    noisy = [np.clip(original + strength * noise, 0, 255).astype(np.uint8) for strength in (1, 4, 16)]
    scores = [score(original, picture) for picture in noisy]
    assert 100 > scores[0] > scores[1] > scores[2]


def test_the_blur_is_a_gaussian_of_its_variance() -> None:
    taps, n = gaussian(), np.arange(-RADIUS, RADIUS + 1)
    assert taps.sum() == pytest.approx(1)
    assert taps @ n**2 == pytest.approx(SIGMA**2)
    true = np.exp(-(n**2) / (2 * SIGMA**2))
    assert taps == pytest.approx(true / true.sum(), abs=0.002)


def test_grey_has_no_x_and_black_is_the_origin() -> None:
    black, grey = to_xyb(np.zeros((3, 1, 1), np.float32)), to_xyb(np.full((3, 1, 1), 0.5, np.float32))
    assert black.flatten() == pytest.approx([0.42, 0.01, 0.55], abs=1e-6)
    assert grey[0, 0, 0] == pytest.approx(0.42, abs=1e-5)


def test_halving_repeats_an_odd_last_row() -> None:
    image = np.arange(6, dtype=np.float32).reshape(1, 3, 2)
    assert halved(image).flatten().tolist() == [1.5, 4.5]


def test_there_are_108_weights() -> None:
    assert np.array(WEIGHTS).shape == (3, 6, 2, 3)
