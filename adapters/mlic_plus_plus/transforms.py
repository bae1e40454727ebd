"""g_a, g_s, h_a and h_s of MLIC++: residual blocks with GELU and GDN, upsampling by pixel shuffle.

The attribute names are those of the authors' state dict.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from compressai.layers import GDN
from torch import Tensor, nn

from adapters.mlic_plus_plus.sizes import Sizes


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """Keeps the size, or halves it with stride 2."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


def double(inputs: int, outputs: int) -> nn.Sequential:
    """Doubles height and width: a convolution to four times the outputs, then pixel shuffle."""
    return nn.Sequential(conv3x3(inputs, 4 * outputs), nn.PixelShuffle(2))


def with_gelu(layers: Iterable[nn.Module]) -> nn.Sequential:
    """The layers with a GELU between each two."""
    between = [module for layer in layers for module in (layer, nn.GELU())]
    return nn.Sequential(*between[:-1])


class ResidualBlock(nn.Module):
    """Two convolutions beside an identity, or beside a pointwise convolution where the width changes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(inputs, outputs)
        self.gelu = nn.GELU()
        self.conv2 = conv3x3(outputs, outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h, w]."""
        return self.gelu(self.conv2(self.gelu(self.conv1(x)))) + self.skip(x)


class ResidualDown(nn.Module):
    """A residual block that halves height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(inputs, outputs, stride=2)
        self.gelu = nn.GELU()
        self.conv2 = conv3x3(outputs, outputs)
        self.gdn = GDN(outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h / 2, w / 2]."""
        return self.gdn(self.conv2(self.gelu(self.conv1(x)))) + self.skip(x)


class ResidualUp(nn.Module):
    """A residual block that doubles height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.subpel_conv = double(inputs, outputs)
        self.gelu = nn.GELU()
        self.conv = conv3x3(outputs, outputs)
        self.igdn = GDN(outputs, inverse=True)
        self.upsample = double(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, 2 h, 2 w]."""
        return self.igdn(self.conv(self.gelu(self.subpel_conv(x)))) + self.upsample(x)


class Analysis(nn.Module):
    """g_a: an image [B, 3, H, W] -> y [B, M, H / 16, W / 16]."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        n = sizes.hidden
        stages = [module for a in (3, n, n) for module in (ResidualDown(a, n), ResidualBlock(n, n))]
        self.analysis_transform = nn.Sequential(*stages, conv3x3(n, sizes.latent, stride=2))

    def forward(self, x: Tensor) -> Tensor:
        """The latent y of the image x."""
        return self.analysis_transform(x)


class Synthesis(nn.Module):
    """g_s: y_hat [B, M, h, w] -> x_hat [B, 3, 16 h, 16 w], not clamped."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        n = sizes.hidden
        first = n if sizes.old else sizes.latent
        widths = ((sizes.latent, first, n), (n, n, n), (n, n, n))
        stages = [module for a, b, c in widths for module in (ResidualBlock(a, b), ResidualUp(b, c))]
        self.synthesis_transform = nn.Sequential(*stages, ResidualBlock(n, n), double(n, 3))

    def forward(self, y_hat: Tensor) -> Tensor:
        """The image of y_hat."""
        return self.synthesis_transform(y_hat)


class HyperAnalysis(nn.Module):
    """h_a: y [B, M, h, w] -> z [B, N, h / 4, w / 4]."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        widths = [sizes.latent, *[sizes.hidden] * 5]
        strides = (1, 1, 2, 1, 2)
        self.reduction = with_gelu(conv3x3(*pair, s) for pair, s in zip(pairwise(widths), strides, strict=True))

    def forward(self, y: Tensor) -> Tensor:
        """The hyper-latent z of y."""
        return self.reduction(y)


class HyperSynthesis(nn.Module):
    """h_s: z_hat [B, N, h / 4, w / 4] -> [B, 2 M, h, w]; the last M channels are the means' first guess."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        m = sizes.latent
        wide = 3 * m // 2
        self.increase = with_gelu(
            (conv3x3(sizes.hidden, m), double(m, m), conv3x3(m, wide), double(wide, wide), conv3x3(wide, 2 * m))
        )

    def forward(self, z_hat: Tensor) -> Tensor:
        """What z_hat tells of y."""
        return self.increase(z_hat)
