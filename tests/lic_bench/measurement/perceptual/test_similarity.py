import numpy as np
import pytest
import torch

from lic_bench.measurement.distortion import ms_ssim
from lic_bench.measurement.perceptual.similarity import implementation, measure


def value(name: str, x: np.ndarray, y: np.ndarray) -> float | None:
    return measure(x, y, [name], {})[name]


def test_ms_ssim_of_grey_is_that_of_all_three_channels(original: np.ndarray, decoded: np.ndarray) -> None:
    x, y = (np.repeat(picture[..., 1:2], 3, 2) for picture in (original, decoded))
    expected = ms_ssim(*(torch.from_numpy(picture).permute(2, 0, 1)[None] for picture in (x, y)))
    assert value("ms-ssim-y", x, y) == pytest.approx(expected, abs=1e-6)
    assert implementation("ms-ssim-y", {}).startswith("lic-bench (pytorch-msssim 1.0.0")


class TestFsim:
    """By piq."""

    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("piq", reason="the extra perceptual is not installed")

    def test_value_on_the_sample(self, original: np.ndarray, decoded: np.ndarray) -> None:
        """As piq 0.8.0 gave it, whose values are the authors' on five pairs of TID2013 (docs/perceptual.md)."""
        assert value("fsim", original, decoded) == pytest.approx(0.9592993093, abs=1e-7)

    def test_one_for_identical_pictures_and_falls(self, original: np.ndarray, decoded: np.ndarray) -> None:
        same, good, bad = (value("fsim", original, picture) for picture in (original, decoded, decoded // 2))
        assert same == pytest.approx(1)
        assert good is not None
        assert bad is not None
        assert bad < good < 1

    def test_a_grey_picture(self) -> None:
        grey = np.repeat(np.random.default_rng(0).integers(0, 256, (32, 32, 1), np.uint8), 3, 2)
        assert value("fsim", grey, grey) == pytest.approx(1)

    def test_implementation_is_package_and_version(self) -> None:
        assert implementation("fsim", {}).startswith("piq 0.")
