"""The transforms of HPCM (Li et al., ICCV 2025): residual blocks of partial or depthwise convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PartialConv(nn.Module):
    """A 3x3 convolution of the first quarter of the channels; the others pass."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolved = width // 4
        self.pconv = nn.Conv2d(self.convolved, self.convolved, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]."""
        return torch.cat([self.pconv(x[:, : self.convolved]), x[:, self.convolved :]], 1)


class Block(nn.Module):
    """A spatial convolution and a perceptron of each position, beside an identity."""

    def __init__(self, width: int, spatial: nn.Module, expansion: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            spatial,
            nn.Conv2d(width, expansion * width, 1),
            nn.LeakyReLU(inplace=True),
            nn.Conv2d(expansion * width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]."""
        return x + self.branch(x)


class Branch(nn.Module):
    """Layers in turn, under the authors' name."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, h, w]."""
        return self.branch(x)


def partial(width: int, count: int) -> list[nn.Module]:
    """Blocks of partial convolutions."""
    return [Block(width, PartialConv(width), 4) for _ in range(count)]


def depthwise(width: int, count: int) -> list[nn.Module]:
    """Blocks of depthwise convolutions."""
    return [Block(width, nn.Conv2d(width, width, 3, padding=1, groups=width), 2) for _ in range(count)]


def down(inputs: int, outputs: int) -> nn.Conv2d:
    """[B, inputs, h, w] -> [B, outputs, h / 2, w / 2]."""
    return nn.Conv2d(inputs, outputs, 2, stride=2)


def up(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """[B, inputs, h, w] -> [B, outputs, 2 h, 2 w]."""
    return nn.ConvTranspose2d(inputs, outputs, 2, stride=2)


def analysis(widths: Sequence[int], depths: Sequence[int], latent: int) -> Branch:
    """g_a: [B, 3, H, W] -> y [B, latent, H / 16, W / 16]; widths and depths from the picture down."""
    layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, stride=2, padding=1)]
    for width, depth, after in zip(widths, depths, (*widths[1:], latent), strict=True):
        layers += [*partial(width, depth), down(width, after)]
    return Branch(*layers)


def synthesis(widths: Sequence[int], depths: Sequence[int], latent: int) -> Branch:
    """g_s: y_hat [B, latent, h, w] -> x_hat [B, 3, 16 h, 16 w]; widths and depths as in `analysis`."""
    layers: list[nn.Module] = []
    before = latent
    for width, depth in zip(reversed(widths), reversed(depths), strict=True):
        layers += [up(before, width), *partial(width, depth)]
        before = width
    return Branch(*layers, nn.ConvTranspose2d(before, 3, 4, stride=2, padding=1))


def hyper_analysis(latent: int, hyper: int) -> Branch:
    """h_a: y [B, latent, h, w] -> z [B, hyper, h / 4, w / 4]."""
    return Branch(*partial(latent, 1), down(latent, hyper), *partial(hyper, 3), down(hyper, hyper))


def hyper_synthesis(latent: int, hyper: int) -> Branch:
    """h_s: z_hat [B, hyper, h / 4, w / 4] -> scales and means [B, 2 latent, h, w]."""
    return Branch(up(hyper, hyper), *partial(hyper, 3), up(hyper, 2 * latent), *partial(2 * latent, 1))
