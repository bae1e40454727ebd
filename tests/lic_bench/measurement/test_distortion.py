import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pytorch_msssim
import torch
from PIL import Image
from scipy.ndimage import convolve1d

from lic_bench.images.sample_pictures import draw_sample
from lic_bench.measurement.distortion import max_abs_difference, ms_ssim, mse_8bit, psnr_db, to_8bit


def image(values: list[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.uint8).reshape(1, 1, 1, -1)


def test_mse_and_psnr_by_hand() -> None:
    mse = mse_8bit(image([0, 255, 10, 10]), image([1, 255, 10, 7]))
    assert mse == (1 + 0 + 0 + 9) / 4
    assert psnr_db(mse) == pytest.approx(10 * math.log10(65025 / 2.5))
    assert mse_8bit(image([0]), image([255])) == 255**2


def test_identical_images_have_no_finite_psnr() -> None:
    assert psnr_db(mse_8bit(image([3]), image([3]))) is None


def test_rounding_and_clamping_to_8_bit() -> None:
    x = torch.tensor([-0.1, 0.0, 0.499 / 255, 0.501 / 255, 1.0, 1.7])
    assert to_8bit(x).tolist() == [0, 0, 0, 1, 255, 255]


def test_max_abs_does_not_wrap() -> None:
    assert max_abs_difference(image([0, 5]), image([255, 4])) == 255


def test_ms_ssim_needs_161_pixels() -> None:
    assert (
        ms_ssim(torch.zeros(1, 3, 160, 400, dtype=torch.uint8), torch.zeros(1, 3, 160, 400, dtype=torch.uint8)) is None
    )


def reference_ms_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Wang, Simoncelli, Bovik 2003, in float64 from the definition. x, y: [H, W, 3] in 0..255."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()

    def blur(a: np.ndarray) -> np.ndarray:
        return convolve1d(convolve1d(a, taps, axis=0), taps, axis=1)[5:-5, 5:-5]

    def halve(a: np.ndarray) -> np.ndarray:
        return (a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2]) / 4

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    product = np.ones(3)
    for scale, weight in enumerate([0.0448, 0.2856, 0.3001, 0.2363, 0.1333]):
        mx, my = blur(x), blur(y)
        vx, vy, cov = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
        structure = (2 * cov + c2) / (vx + vy + c2)
        if scale == 4:
            structure = structure * (2 * mx * my + c1) / (mx * mx + my * my + c1)
        product *= np.maximum(structure.mean(axis=(0, 1)), 0) ** weight
        x, y = halve(x), halve(y)
    return float(product.mean())


@pytest.mark.parametrize("spoil", [lambda p: p * 9 // 10, lambda p: p // 32 * 32 + 16], ids=["darker", "coarse"])
def test_ms_ssim_agrees_with_its_definition(shared: Path, spoil: Callable[[np.ndarray], np.ndarray]) -> None:
    pixels = np.asarray(Image.open(shared / "data/kodak/kodim01.png"))
    spoilt = spoil(pixels.astype(int)).astype(np.uint8)
    x, x_hat = (torch.from_numpy(p.copy()).permute(2, 0, 1)[None] for p in (pixels, spoilt))
    assert ms_ssim(x, x) == pytest.approx(1.0, abs=1e-6)
    assert ms_ssim(x, x_hat) == pytest.approx(reference_ms_ssim(pixels.astype(float), spoilt.astype(float)), abs=2e-5)


@pytest.mark.parametrize("size", [(161, 200), (333, 175)])
@pytest.mark.parametrize("rows", [30, 128])
def test_ms_ssim_in_bands_is_that_of_the_library(
    size: tuple[int, int], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lic_bench.measurement.distortion.ROWS", rows)
    random = torch.Generator().manual_seed(0)
    x = torch.tensor(draw_sample(3, *size)).permute(2, 0, 1)[None]
    noise = torch.randint(-20, 21, x.shape, generator=random)
    x_hat = (x.int() + noise).clamp(0, 255).to(torch.uint8)
    expected = float(pytorch_msssim.ms_ssim(x.float(), x_hat.float(), data_range=255.0))
    assert ms_ssim(x, x_hat) == pytest.approx(expected, abs=1e-6)
