"""The convolutional parts of MLIC++'s entropy model: channel context, entropy parameters, latent residual prediction.

The attribute names, `fushion` among them, are those of the authors' state dict.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from adapters.mlic_plus_plus.sizes import Sizes
from adapters.mlic_plus_plus.transforms import conv3x3, with_gelu


class ChannelContext(nn.Module):
    """What the earlier slices say about the same place of this one."""

    def __init__(self, width: int, earlier: int) -> None:
        """width: channels of a slice; earlier: how many slices there are before."""
        super().__init__()
        widths = (width * earlier, 6 * width, 4 * width, 4 * width)
        self.fushion = with_gelu(conv3x3(*pair) for pair in pairwise(widths))

    def forward(self, earlier: Tensor) -> Tensor:
        """y_hat of the earlier slices [B, earlier width, h, w] -> [B, 4 width, h, w]."""
        return self.fushion(earlier)


class EntropyParameters(nn.Module):
    """Scales and means of one pass of one slice, from all that is known before it."""

    def __init__(self, width: int, inputs: int) -> None:
        """width: channels of a slice; inputs: channels of what is known."""
        super().__init__()
        widths = (inputs, 10 * width, 8 * width, 4 * width, 2 * width)
        self.fusion = with_gelu(nn.Conv2d(*pair, 1) for pair in pairwise(widths))

    def forward(self, known: Sequence[Tensor]) -> Tensor:
        """Images [B, C, h, w], together as many channels as the inputs -> scales, then means: [B, 2 width, h, w]."""
        return self.fusion(torch.cat(list(known), 1))


class ResidualPrediction(nn.Module):
    """An estimate of what rounding took from a slice, within [-0.5, 0.5] (Minnen and Singh, arXiv:2007.08739)."""

    def __init__(self, sizes: Sizes, index: int) -> None:
        """index: of the slice."""
        super().__init__()
        width = sizes.slice_width
        inputs = sizes.latent + (index + 1) * width
        inner = _falling(inputs, width) if sizes.old else (7 * width, 4 * width)
        self.lrp_transform = with_gelu(conv3x3(*pair) for pair in pairwise((inputs, *inner, width)))

    def forward(self, known: Sequence[Tensor]) -> Tensor:
        """The hyperprior's means, y_hat of the earlier slices, of this one as far as known -> [B, width, h, w]."""
        return 0.5 * torch.tanh(self.lrp_transform(torch.cat(list(known), 1)))


def _falling(inputs: int, width: int) -> tuple[int, int, int]:
    """The old layout's inner widths: three steps of a quarter of the way down."""
    way = inputs - width
    return inputs - way // 4, inputs - way // 2, inputs - 3 * way // 4
