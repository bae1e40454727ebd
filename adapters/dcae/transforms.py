"""The transforms of DCAE (Lu et al., CVPR 2025): halving and doubling, window attention between."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.shared.attention import WindowAttention

WINDOW, HYPER_WINDOW = 8, 4


class ShortcutScale(nn.Module):
    """A learned factor for each channel of a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """x [..., width]."""
        return x * self.scale


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions of half the width beside an identity; nothing follows the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width // 2, 1)
        self.conv2 = nn.Conv2d(width // 2, width // 2, 3, padding=1)
        self.conv3 = nn.Conv2d(width // 2, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]."""
        return self.conv3(F.relu_(self.conv2(F.relu_(self.conv1(x))))) + x


class Down(nn.Module):
    """A strided convolution, then three bottlenecks: [B, inputs, h, w] -> [B, outputs, h / 2, w / 2]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)
        self.res1, self.res2, self.res3 = (Bottleneck(outputs) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.res3(self.res2(self.res1(self.conv(x))))


class Up(nn.Module):
    """Three bottlenecks, then a transposed convolution: [B, inputs, h, w] -> [B, outputs, 2 h, 2 w]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.res1, self.res2, self.res3 = (Bottleneck(inputs) for _ in range(3))
        self.conv = doubling(inputs, outputs, 5)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.conv(self.res3(self.res2(self.res1(x))))


class DepthwiseOfTokens(nn.Module):
    """A depthwise 3x3 convolution of channels-last maps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, h, w, width]."""
        return self.dwconv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class GatedPerceptron(nn.Module):
    """A perceptron of twice the width whose hidden values are gated by their convolved neighbours."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.dwconv = DepthwiseOfTokens(2 * width)
        self.fc2 = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, h, w, width]."""
        gate, value = self.fc1(x).chunk(2, -1)
        return self.fc2(F.gelu(self.dwconv(gate)) * value)


class Block(nn.Module):
    """Window attention and a gated perceptron, each after a normalisation and beside a scaled shortcut."""

    def __init__(self, width: int, head_width: int, side: int, *, shifted: bool) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(width)
        self.msa = WindowAttention(width, head_width, side, shifted=shifted)
        self.ln2 = nn.LayerNorm(width)
        self.mlp = GatedPerceptron(width)
        self.res_scale_1 = ShortcutScale(width)
        self.res_scale_2 = ShortcutScale(width)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, h, w, width], h and w multiples of the window's side."""
        x = self.res_scale_1(x) + self.msa(self.ln1(x))
        return self.res_scale_2(x) + self.mlp(self.ln2(x))


class Stage(nn.Module):
    """Blocks with plain and shifted windows in turn and a convolution, beside an identity."""

    def __init__(self, width: int, depth: int, head_width: int, side: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(width, head_width, side, shifted=i % 2 == 1) for i in range(depth))
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w], h and w multiples of the window's side."""
        tokens = x.permute(0, 2, 3, 1)
        for block in self.layers:
            tokens = block(tokens)
        return self.conv(tokens.permute(0, 3, 1, 2)) + x


def doubling(inputs: int, outputs: int, kernel: int) -> nn.ConvTranspose2d:
    """[B, inputs, h, w] -> [B, outputs, 2 h, 2 w]."""
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=kernel // 2, output_padding=1)


def analysis(widths: Sequence[int], depths: Sequence[int], heads: Sequence[int], latent: int) -> nn.Sequential:
    """g_a: [B, 3, H, W] -> y [B, latent, H / 16, W / 16]; widths, depths and head widths from the picture down."""
    layers: list[nn.Module] = []
    inputs = 3
    for width, depth, head in zip(widths, depths, heads, strict=True):
        layers += [Down(inputs, width), Stage(width, depth, head, WINDOW)]
        inputs = width
    return nn.Sequential(*layers, nn.Conv2d(inputs, latent, 5, stride=2, padding=2))


def synthesis(widths: Sequence[int], depths: Sequence[int], heads: Sequence[int], latent: int) -> nn.Sequential:
    """g_s: y_hat [B, latent, h, w] -> x_hat [B, 3, 16 h, 16 w]; the rest as in `analysis`."""
    layers: list[nn.Module] = [doubling(latent, widths[-1], 5)]
    for width, depth, head, outputs in zip(
        reversed(widths), reversed(depths), reversed(heads), (*reversed(widths[:-1]), 3), strict=True
    ):
        layers += [Stage(width, depth, head, WINDOW), Up(width, outputs)]
    return nn.Sequential(*layers)


def hyper_analysis(latent: int, hyper: int, head_width: int) -> nn.Sequential:
    """h_a: y [B, latent, h, w] -> z [B, hyper, h / 4, w / 4]."""
    return nn.Sequential(
        Down(latent, hyper),
        Stage(hyper, 1, head_width, HYPER_WINDOW),
        nn.Conv2d(hyper, hyper, 3, stride=2, padding=1),
    )


def hyper_synthesis(latent: int, hyper: int, head_width: int) -> nn.Sequential:
    """h_z_s1 and h_z_s2: z_hat [B, hyper, h / 4, w / 4] -> [B, latent, h, w]."""
    return nn.Sequential(doubling(hyper, hyper, 3), Stage(hyper, 1, head_width, HYPER_WINDOW), Up(hyper, latent))
