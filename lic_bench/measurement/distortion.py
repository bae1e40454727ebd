"""Distortion between images: pure functions of 8-bit tensors."""

import math

import torch
from torch import Tensor

MS_SSIM_MIN_SIDE = 161  # its coarsest scale, after four halvings, must hold an 11-tap window


def to_8bit(x: Tensor) -> Tensor:
    """x [1, 3, H, W] float in about [0, 1] -> uint8, clamped and rounded."""
    return x.clamp(0, 1).mul(255).round().to(torch.uint8)


def mse_8bit(x: Tensor, x_hat: Tensor) -> float:
    """Mean squared error of two uint8 tensors of one shape, in squared levels; exact, as it sums integers."""
    difference = x.to(torch.int32) - x_hat.to(torch.int32)
    return int((difference * difference).sum(dtype=torch.int64)) / difference.numel()


def psnr_db(mse: float) -> float | None:
    """Peak signal-to-noise ratio in dB for 8-bit images; None for identical images, where it is infinite."""
    return 10 * math.log10(255**2 / mse) if mse > 0 else None


def ms_ssim(x: Tensor, x_hat: Tensor) -> float | None:
    """Multi-scale structural similarity (Wang et al. 2003; five scales, 11-tap Gaussian window), linear, in [0, 1].

    x, x_hat: uint8 [1, 3, H, W]. None if a side has fewer than 161 pixels: the fifth scale would not hold the window.
    """
    if min(x.shape[-2:]) < MS_SSIM_MIN_SIDE:
        return None
    from pytorch_msssim import ms_ssim as measure

    return float(measure(x.float(), x_hat.float(), data_range=255.0))


def max_abs_difference(x: Tensor, x_hat: Tensor) -> int:
    """Largest absolute difference of two uint8 tensors in levels."""
    return int((x.to(torch.int16) - x_hat.to(torch.int16)).abs().max())
