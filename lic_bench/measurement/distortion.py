"""Distortion between images: pure functions of 8-bit tensors."""

import math
from collections.abc import Iterator
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor

MS_SSIM_EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2, finest scale first
MS_SSIM_MIN_SIDE = 161  # its coarsest scale, after four halvings, must hold an 11-tap window
WINDOW = 11  # taps
ROWS = 128  # in a band; a multiple of the 64 rows of the blocks in which decodes are compared


def to_8bit(x: Tensor) -> Tensor:
    """x [1, 3, H, W] float in about [0, 1] -> uint8, clamped and rounded."""
    return x.clamp(0, 1).mul_(255).round_().to(torch.uint8)


def bands(x: Tensor, other: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Two tensors [1, C, H, W] in bands of rows, so that what is made of them is small however large they are."""
    return zip(torch.split(x, ROWS, 2), torch.split(other, ROWS, 2), strict=True)


def mse_8bit(x: Tensor, x_hat: Tensor) -> float:
    """Mean squared error of two uint8 tensors [1, C, H, W], in squared levels; exact, as it sums integers."""
    differences = (a.to(torch.int32).sub_(b) for a, b in bands(x, x_hat))
    return sum(int(d.mul_(d).sum(dtype=torch.int64)) for d in differences) / x.numel()


def psnr_db(mse: float) -> float | None:
    """Peak signal-to-noise ratio in dB for 8-bit images; None for identical images, where it is infinite."""
    return 10 * math.log10(255**2 / mse) if mse > 0 else None


def ms_ssim(x: Tensor, x_hat: Tensor) -> float | None:
    """Multi-scale structural similarity (Wang et al. 2003; five scales, 11-tap Gaussian window), linear, in [0, 1].

    x, x_hat: uint8 [1, 3, H, W]. None if a side has fewer than 161 pixels: the fifth scale would not hold the window.
    That of `pytorch_msssim`, channel by channel and in bands of rows: so it needs little memory.
    """
    if min(x.shape[-2:]) < MS_SSIM_MIN_SIDE:
        return None
    return fmean(_ms_ssim(x[:, c : c + 1].float(), x_hat[:, c : c + 1].float()) for c in range(x.shape[1]))


def _ms_ssim(x: Tensor, x_hat: Tensor) -> float:
    """Of one channel, float [1, 1, H, W] in levels."""
    product = 1.0
    for scale, exponent in enumerate(MS_SSIM_EXPONENTS, start=1):
        ssim, contrast = _similarities(x, x_hat)
        product *= max(0.0, ssim if scale == len(MS_SSIM_EXPONENTS) else contrast) ** exponent
        odd = [side % 2 for side in x.shape[2:]]
        x, x_hat = (F.avg_pool2d(channel, 2, padding=odd) for channel in (x, x_hat))
    return product


def _similarities(x: Tensor, x_hat: Tensor) -> tuple[float, float]:
    """SSIM and its contrast and structure term, means over the windows, of two float tensors [1, 1, H, W]."""
    from pytorch_msssim.ssim import _fspecial_gauss_1d, _ssim

    window = _fspecial_gauss_1d(WINDOW, 1.5)[None]
    windows = x.shape[2] - WINDOW + 1
    sums = torch.zeros(2, dtype=torch.float64)
    for top in range(0, windows, ROWS):
        band = slice(top, min(top + ROWS, windows) + WINDOW - 1)
        means = _ssim(x[:, :, band], x_hat[:, :, band], 255.0, window, size_average=False)
        sums += torch.stack(means).double().flatten().cpu() * min(ROWS, windows - top)
    ssim, contrast = (sums / windows).tolist()
    return ssim, contrast


def max_abs_difference(x: Tensor, x_hat: Tensor) -> int:
    """Largest absolute difference of two uint8 tensors [1, C, H, W] in levels."""
    return max(int(a.to(torch.int16).sub_(b).abs_().max()) for a, b in bands(x, x_hat))
