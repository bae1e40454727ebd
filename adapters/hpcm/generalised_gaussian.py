"""Entropy models of generalised Gaussians of shape 1.5, density proportional to exp(-|v / scale|^1.5), as HPCM has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from compressai.entropy_models import EntropyModel, GaussianConditional
from torch import Tensor, nn

from lic_bench.codecs.gaussian_coding import scale_table

SHAPE = 1.5
LOWEST, HIGHEST, COUNT = 0.12, 64.0, 60  # of the scales that have tables
REACH = 5.426911270933747  # scales from the middle to the quantile of 5e-7


def cumulative(v: Tensor) -> Tensor:
    """The cumulative distribution at v, for scale 1."""
    tail = torch.special.gammainc(torch.full_like(v, 1 / SHAPE), v.abs() ** SHAPE)
    return (1 + v.sign() * tail) / 2


def likelihood(symbols: Tensor, scales: Tensor) -> Tensor:
    """The probability of integers, or of values between them in training; scales above 0, of the same shape."""
    return cumulative((symbols + 0.5) / scales) - cumulative((symbols - 0.5) / scales)


def fill_tables(model: EntropyModel, scales: Tensor) -> None:
    """Make an entropy model's tables, one for each of the scales [n], as the authors do: in float32.

    The escape has the tail below a table, and of that above only what lies beyond the longest table of the set.
    """
    scales = scales.detach().float()
    half = torch.ceil(scales.double() * REACH).int()
    lengths = 2 * half + 1
    longest = int(lengths.max())
    samples = (torch.arange(longest, device=scales.device).int() - half[:, None]).float()
    upper, lower = (cumulative((samples + step) / scales[:, None]) for step in (0.5, -0.5))
    tails = lower[:, :1] + 1 - upper[:, -1:]
    model._quantized_cdf = model._pmf_to_cdf(upper - lower, tails, lengths, longest)
    model._offset, model._cdf_length = -half, lengths + 2


class GeneralisedGaussian(GaussianConditional):  # type: ignore[misc]  # it has no types
    """Of y: scales and means are predicted, the tables are of 60 scales."""

    def __init__(self) -> None:
        super().__init__(scale_table(LOWEST, HIGHEST, COUNT), scale_bound=LOWEST)

    def update(self) -> None:
        """Make the tables."""
        fill_tables(self, self.scale_table)

    def _likelihood(self, inputs: Tensor, scales: Tensor, means: Tensor | None = None) -> Tensor:
        return likelihood(inputs if means is None else inputs - means, self.lower_bound_scale(scales))


class ChannelPrior(EntropyModel):  # type: ignore[misc]  # it has no types
    """Of z: a learned mean and scale for each channel, which has a table of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.means = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.scales = nn.Parameter(torch.ones(1, channels, 1, 1))

    def bounded(self) -> Tensor:
        """The scales, at least LOWEST, [1, channels, 1, 1]."""
        return self.scales.clamp_min(torch.tensor(LOWEST, dtype=torch.float32, device=self.scales.device))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z_hat (in training z with noise) and its likelihoods, each [B, channels, h, w]."""
        means = self.means.expand_as(z)
        z_hat = self.quantize(z, "noise" if self.training else "dequantize", means)
        return z_hat, self.likelihood_lower_bound(likelihood(z_hat - means, self.bounded().expand_as(z)))

    def update(self, force: bool = False) -> bool:
        """Make the tables; whether it did."""
        if self._offset.numel() and not force:
            return False
        fill_tables(self, self.scales.flatten().detach().float().clamp_min(LOWEST))
        return True

    def compress(self, z: Tensor) -> list[bytes]:
        """One string per image of z [B, channels, h, w]."""
        return cast(list[bytes], super().compress(z, self._indexes(z.shape), self.means.detach().expand_as(z)))

    def decompress(self, strings: Sequence[bytes], size: Sequence[int]) -> Tensor:
        """z_hat [B, channels, h, w]. size: h and w."""
        shape = (len(strings), self.means.shape[1], *size)
        means = self.means.detach().expand(shape)
        return cast(Tensor, super().decompress(strings, self._indexes(shape), means.dtype, means))

    def _indexes(self, shape: Sequence[int]) -> Tensor:
        channels = torch.arange(shape[1], dtype=torch.int32, device=self.means.device)
        return channels[None, :, None, None].expand(*shape).contiguous()
