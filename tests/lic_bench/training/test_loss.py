"""The loss of numbers that are known."""

import pytest
import torch

from lic_bench.training.loss import rate_distortion


def test_mse_and_bits_of_known_values() -> None:
    x = torch.full((2, 3, 4, 8), 0.5)
    likelihoods = {"y": torch.full((2, 5, 2, 2), 0.25), "z": torch.full((2, 8), 0.5)}
    loss = rate_distortion({"x_hat": x + 2 / 255, "likelihoods": likelihoods}, x, 0.1, "mse")
    bpp = (2 * 20 * 2 + 2 * 8) / (2 * 32)
    assert loss.bpp.item() == pytest.approx(bpp)
    assert loss.mse.item() == pytest.approx((2 / 255) ** 2, rel=1e-4)
    assert loss.total.item() == pytest.approx(0.1 * 4 + bpp, rel=1e-4)


def test_ms_ssim_of_the_same_picture_is_no_distortion() -> None:
    x = torch.rand(1, 3, 192, 192, generator=torch.Generator().manual_seed(0))
    likelihoods = {"y": torch.full((1, 192, 192), 0.5)}
    loss = rate_distortion({"x_hat": x, "likelihoods": likelihoods}, x, 60.5, "ms-ssim")
    assert loss.total.item() == pytest.approx(1.0, abs=1e-4)
    worse = rate_distortion({"x_hat": x.flip(3), "likelihoods": likelihoods}, x, 60.5, "ms-ssim")
    assert worse.total > 2


def test_half_precision_outputs_are_summed_in_float32() -> None:
    x = torch.zeros(1, 3, 64, 64)
    likelihoods = {"y": torch.full((1, 320, 64, 64), 0.5, dtype=torch.bfloat16)}
    loss = rate_distortion({"x_hat": x.bfloat16(), "likelihoods": likelihoods}, x, 1.0, "mse")
    assert loss.total.dtype == torch.float32
    assert loss.total.item() == pytest.approx(320)
