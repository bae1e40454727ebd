"""The transforms of GLIC (CVPR 2026): convolutional blocks on the fine maps, graphs on the coarse ones.

Beside the stages runs a path of wavelets that never sees their results; each stage ends with its sum with that path.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from adapters.glic.aggregation import GraphAggregation
from adapters.glic.blocks import conv, doubling, gated
from adapters.glic.wavelet import WaveletDown, WaveletUp

FINE, COARSE = 4, 2  # expansions of the graphs' gated networks at 1/4 and 1/8
BLOCKS = 3


def _convolutional(width: int) -> nn.Sequential:
    return nn.Sequential(*(gated(width, width, 4) for _ in range(BLOCKS)))


class Analysis(nn.Module):
    """g_a: [B, 3, H, W] -> y [B, widths[3], H / 16, W / 16], H and W multiples of 128."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        pairs = list(pairwise((3, *widths)))
        self.AuxT_enc = nn.ModuleList(WaveletDown(*pair) for pair in pairs)
        self.g1 = _convolutional(widths[0])
        self.g2 = GraphAggregation(widths[1], FINE)
        self.g3 = GraphAggregation(widths[2], COARSE)
        self.down0, self.down1, self.down2, self.down3 = (conv(*pair, stride=2) for pair in pairs)

    def forward(self, x: Tensor) -> Tensor:
        """The latent y of the image x."""
        first, second, third, fourth = self.AuxT_enc
        beside = first(x)
        x = self.g1(self.down0(x)) + beside
        beside = second(beside)
        x = self.g2(self.down1(x)) + beside
        beside = third(beside)
        x = self.g3(self.down2(x)) + beside
        return self.down3(x) + fourth(beside)


class Synthesis(nn.Module):
    """g_s: y_hat [B, widths[3], h, w] -> x_hat [B, 3, 16 h, 16 w], not clamped."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        pairs = list(pairwise((*reversed(widths), 3)))
        self.AuxT_dec = nn.ModuleList(WaveletUp(*pair) for pair in pairs)
        self.g1 = GraphAggregation(widths[2], COARSE)
        self.g2 = GraphAggregation(widths[1], FINE)
        self.g3 = _convolutional(widths[0])
        self.up0, self.up1, self.up2, self.up3 = (doubling(*pair) for pair in pairs)

    def forward(self, y_hat: Tensor) -> Tensor:
        """The image of y_hat."""
        first, second, third, fourth = self.AuxT_dec
        beside = first(y_hat)
        x = self.g1(self.up0(y_hat)) + beside
        beside = second(beside)
        x = self.g2(self.up1(x)) + beside
        beside = third(beside)
        x = self.g3(self.up2(x)) + beside
        return self.up3(x) + fourth(beside)


def hyper_analysis(latent: int, hyper: int) -> nn.Sequential:
    """h_a: y [B, latent, h, w] -> z [B, hyper, h / 4, w / 4]."""
    return nn.Sequential(
        *(conv(latent, hyper), gated(hyper, hyper, 2), gated(hyper, hyper, 2)),
        *(conv(hyper, hyper, stride=2), gated(hyper, hyper, 2), gated(hyper, hyper, 2)),
        conv(hyper, hyper, stride=2),
    )


def hyper_synthesis(hyper: int) -> nn.Sequential:
    """h_s: z_hat [B, hyper, h / 4, w / 4] -> [B, 2 hyper, h, w]."""
    return nn.Sequential(
        *(doubling(hyper, hyper), gated(hyper, hyper, 2), gated(hyper, hyper, 2)),
        *(doubling(hyper, hyper), gated(hyper, hyper, 2), gated(hyper, hyper, 2)),
        conv(hyper, 2 * hyper),
    )
