"""The convolutional blocks of GLIC: a mixer and a gated network of each position, whose sum goes on (CVPR 2026)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelNorm(nn.Module):
    """Normalises every position over its channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]."""
        tokens = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, eps=1e-6)
        return tokens.permute(0, 3, 1, 2)


class GatedFfn(nn.Module):
    """Two pointwise layers with a gate between, of a position or, with neighbours, of the 3x3 around it."""

    def __init__(self, width: int, expansion: int, *, neighbours: bool = False) -> None:
        super().__init__()
        inner = 2 * expansion * width
        self.project_in = nn.Conv2d(width, inner, 1, bias=False)
        self.conv = nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False) if neighbours else nn.Identity()
        self.project_out = nn.Conv2d(inner // 2, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]; computed in the type of the weights."""
        gate, value = self.conv(self.project_in(x.to(self.project_in.weight.dtype))).chunk(2, 1)
        return self.project_out(F.gelu(gate) * value).to(x.dtype)


class DepthwiseMixer(nn.Module):
    """Pointwise, depthwise 5x5 and pointwise convolutions beside an identity, or a pointwise one to another width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(inputs, inputs, 1), nn.LeakyReLU(inplace=True))
        self.depth_conv = nn.Conv2d(inputs, inputs, 5, padding=2, groups=inputs)
        self.conv2 = nn.Conv2d(inputs, outputs, 1)
        self.adaptor = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h, w]."""
        return self.conv2(self.depth_conv(self.conv1(x))) + self.adaptor(x)


class Block(nn.Module):
    """A mixer, then a gated network after a normalisation and beside an identity: [B, inputs, h, w] -> outputs."""

    def __init__(self, mixer: nn.Module, outputs: int, expansion: int) -> None:
        super().__init__()
        self.norm2 = ChannelNorm(outputs)
        self.mixer = mixer
        self.mlp = GatedFfn(outputs, expansion)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = self.mixer(x)
        return x + self.mlp(self.norm2(x))


def gated(inputs: int, outputs: int, expansion: int) -> Block:
    """A block that looks at the 5x5 around a position."""
    return Block(DepthwiseMixer(inputs, outputs), outputs, expansion)


def pointwise(inputs: int, outputs: int) -> Block:
    """A block that looks at a position alone."""
    return Block(nn.Conv2d(inputs, outputs, 1), outputs, 4)


def contracting(inputs: int, outputs: int, least: int) -> tuple[int, ...]:
    """Widths of three blocks from inputs to outputs in equal steps, those between at least `least`."""
    between = (int(inputs + (outputs - inputs) * step / 3) for step in (1, 2))
    return inputs, *(max(least, width) for width in between), outputs


def channel_context(widths: Sequence[int]) -> nn.Sequential:
    """What earlier groups say about a group; the authors' names count the places between the blocks."""
    first, second, third = (gated(*pair, 4) for pair in pairwise(widths))
    return nn.Sequential(first, nn.Identity(), second, nn.Identity(), third)


def aggregation(widths: Sequence[int]) -> nn.Sequential:
    """Scales and means from all that is known of a position; names as in `channel_context`."""
    first, second, third = (pointwise(*pair) for pair in pairwise(widths))
    return nn.Sequential(first, nn.Identity(), second, nn.Identity(), third)


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """Keeps height and width, or halves them with stride 2."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


def doubling(inputs: int, outputs: int) -> nn.Sequential:
    """[B, inputs, h, w] -> [B, outputs, 2 h, 2 w]."""
    return nn.Sequential(conv(inputs, 4 * outputs), nn.PixelShuffle(2))


class MaskedConv(nn.Conv2d):
    """A 5x5 convolution that sees the positions of odd row + column around its own: at the others, the anchors."""

    mask: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 5, padding=2)
        row = torch.arange(5)
        odd = (row[:, None] + row) % 2
        self.register_buffer("mask", odd.float().expand_as(self.weight).clone())

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h, w]."""
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=2)
