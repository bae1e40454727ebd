"""The convolutional channel context and parameter aggregation of LALIC's ablations (arXiv:2502.05741, Table 2).

The paper says: "conv" is the context model of ELIC (He et al., CVPR 2022), three 5x5 convolutions and three 1x1
convolutions; "conv-plus" has Depth Conv Blocks and more channels in their depthwise convolutions. It gives no widths.
Our reading of "conv" is widths on a straight line with the floors of `LalicConfig`; they give the paper's parameters
and MACs. Our reading of "conv-plus" has the same widths, a block for each convolution, and twice the channels in the
depthwise convolutions; `benchmarks/ablations.py` shows how far that is from the paper's figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from lalic.config import Context

DEPTHWISE_RATIO = 2
CHANNEL_KERNEL = {"conv": 5, "conv-plus": 3}


class DepthConvBlock(nn.Module):
    """Depth Conv Block as in DCVC-DC (Li et al., CVPR 2023, arXiv:2302.14402): a depthwise convolution, then an MLP.

    x = shortcut(x) + contract(depthwise(leaky(expand(x)))), then x + leaky(narrow(leaky(widen(x)))). The MLP's inner
    width is four times its outer one, but at most 1024, and at least twice.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        inner, hidden = DEPTHWISE_RATIO * inputs, max(min(4 * outputs, 1024), 2 * outputs)
        self.expand = nn.Sequential(nn.Conv2d(inputs, inner, 1), nn.LeakyReLU(0.01))
        self.depthwise = nn.Conv2d(inner, inner, kernel, padding=kernel // 2, groups=inner)
        self.contract = nn.Conv2d(inner, outputs, 1)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        self.widen = nn.Sequential(nn.Conv2d(outputs, hidden, 1), nn.LeakyReLU(0.1))
        self.narrow = nn.Sequential(nn.Conv2d(hidden, outputs, 1), nn.LeakyReLU(0.1))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, inputs, h, w] -> [B, outputs, h, w]."""
        x = self.shortcut(x) + self.contract(self.depthwise(self.expand(x)))
        return x + self.narrow(self.widen(x))


class ConvAggregation(nn.Sequential):
    """A parameter aggregation whose layers take images."""

    def forward(self, known: Sequence[Tensor]) -> Tensor:
        """Images [B, C, h, w / 2], together as many channels as the first layer takes -> [B, outputs, h, w / 2]."""
        return super().forward(torch.cat(list(known), 1))


def conv_channel_context(context: Context, widths: Sequence[int]) -> nn.Sequential:
    """[B, widths[0], h, w] -> [B, widths[-1], h, w]."""
    return nn.Sequential(*_layers(context, widths, CHANNEL_KERNEL[context]))


def conv_aggregation(context: Context, widths: Sequence[int]) -> ConvAggregation:
    """The same, position by position, from a sequence of images."""
    return ConvAggregation(*_layers(context, widths, 1))


def _layers(context: Context, widths: Sequence[int], kernel: int) -> list[nn.Module]:
    if context == "conv-plus":
        return [DepthConvBlock(inputs, outputs, kernel) for inputs, outputs in pairwise(widths)]
    pairs = pairwise(widths)
    layers = [layer for pair in pairs for layer in (nn.Conv2d(*pair, kernel, padding=kernel // 2), nn.ReLU())]
    return layers[:-1]
