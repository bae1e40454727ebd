"""The transforms of TCM (Liu et al., CVPR 2023, arXiv:2303.14978): convolution and window attention side by side."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from compressai.layers import (
    ResidualBlock,
    ResidualBlockUpsample,
    ResidualBlockWithStride,
    conv1x1,
    conv3x3,
    subpel_conv3x3,
)
from torch import Tensor, nn

from adapters.shared.attention import TransformerBlock

WINDOW, HYPER_WINDOW = 8, 4
HEAD_WIDTHS = (8, 16, 32)  # of g_a from the picture down; g_s has them in reverse


class TcmBlock(nn.Module):
    """One half of the channels goes through convolutions, the other through window attention (figure 3)."""

    def __init__(self, half: int, head_width: int, side: int, *, shifted: bool) -> None:
        super().__init__()
        self.half = half
        self.trans_block = TransformerBlock(half, head_width, side, shifted=shifted)
        self.conv1_1 = conv1x1(2 * half, 2 * half)
        self.conv1_2 = conv1x1(2 * half, 2 * half)
        self.conv_block = ResidualBlock(half, half)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, 2 * half, h, w], h and w multiples of the window's side."""
        local, distant = self.conv1_1(x).split(self.half, 1)
        local = self.conv_block(local) + local  # the released network adds the identity a second time
        distant = self.trans_block(distant.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return x + self.conv1_2(torch.cat((local, distant), 1))


def analysis(half: int, latent: int) -> nn.Sequential:
    """g_a: [B, 3, H, W] -> y [B, latent, H / 16, W / 16]; half: channels of each half of a block."""
    layers: list[nn.Module] = []
    inputs = 3
    for head_width in HEAD_WIDTHS:
        layers += [ResidualBlockWithStride(inputs, 2 * half, 2), *_pair(half, head_width, WINDOW)]
        inputs = 2 * half
    return nn.Sequential(*layers, conv3x3(2 * half, latent, stride=2))


def synthesis(half: int, latent: int) -> nn.Sequential:
    """g_s: y_hat [B, latent, h, w] -> x_hat [B, 3, 16 h, 16 w]."""
    layers: list[nn.Module] = []
    inputs = latent
    for head_width in reversed(HEAD_WIDTHS):
        layers += [ResidualBlockUpsample(inputs, 2 * half, 2), *_pair(half, head_width, WINDOW)]
        inputs = 2 * half
    return nn.Sequential(*layers, subpel_conv3x3(2 * half, 3, 2))


def hyper_analysis(half: int, latent: int, hyper: int) -> nn.Sequential:
    """h_a: y [B, latent, h, w] -> z [B, hyper, h / 4, w / 4]."""
    return nn.Sequential(
        ResidualBlockWithStride(latent, 2 * half, 2),
        *_pair(half, HEAD_WIDTHS[-1], HYPER_WINDOW),
        conv3x3(2 * half, hyper, stride=2),
    )


def hyper_synthesis(half: int, latent: int, hyper: int) -> nn.Sequential:
    """h_mean_s and h_scale_s: z_hat [B, hyper, h / 4, w / 4] -> [B, latent, h, w]."""
    return nn.Sequential(
        ResidualBlockUpsample(hyper, 2 * half, 2),
        *_pair(half, HEAD_WIDTHS[-1], HYPER_WINDOW),
        subpel_conv3x3(2 * half, latent, 2),
    )


def _pair(half: int, head_width: int, side: int) -> Iterator[nn.Module]:
    return (TcmBlock(half, head_width, side, shifted=shifted) for shifted in (False, True))
