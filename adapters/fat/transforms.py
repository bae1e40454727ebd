"""The transforms g_a, g_s, h_a and h_s of FAT (Li et al., ICLR 2024, arXiv:2310.16387, figure 2)."""

from __future__ import annotations

from collections.abc import Iterator

from compressai.layers import ResidualBlockUpsample, ResidualBlockWithStride, conv3x3, subpel_conv3x3
from torch import nn

from adapters.fat.block import FatBlock
from adapters.fat.config import FatConfig

BASE, HYPER_BASE = 8, 2  # sizes of the windows, in pixels of the map


def analysis(config: FatConfig) -> nn.Sequential:
    """g_a: x [B, 3, H, W] -> y [B, M, H / 16, W / 16]."""
    return nn.Sequential(*_analysis(config))


def synthesis(config: FatConfig) -> nn.Sequential:
    """g_s: y_hat [B, M, H / 16, W / 16] -> x_hat [B, 3, H, W], not clamped."""
    return nn.Sequential(*_synthesis(config))


def hyper_analysis(config: FatConfig) -> nn.Sequential:
    """h_a: y [B, M, H / 16, W / 16] -> z [B, N, H / 64, W / 64]."""
    down = ResidualBlockWithStride(config.latent, config.hyper_width)
    return nn.Sequential(down, *_hyper_pair(config), conv3x3(config.hyper_width, config.hyper_latent, stride=2))


def hyper_synthesis(config: FatConfig) -> nn.Sequential:
    """h_mean_s or h_scale_s: z_hat [B, N, H / 64, W / 64] -> [B, M, H / 16, W / 16]."""
    up = ResidualBlockUpsample(config.hyper_latent, config.hyper_width)
    return nn.Sequential(up, *_hyper_pair(config), subpel_conv3x3(config.hyper_width, config.latent, 2))


def _analysis(config: FatConfig) -> Iterator[nn.Module]:
    inputs = 3
    for width, heads in zip(config.widths, config.heads, strict=True):
        yield ResidualBlockWithStride(inputs, width)
        yield from _pair(width, heads, BASE)
        inputs = width
    yield conv3x3(inputs, config.latent, stride=2)


def _synthesis(config: FatConfig) -> Iterator[nn.Module]:
    inputs = config.latent
    for width, heads in zip(config.widths[::-1], config.heads[::-1], strict=True):
        yield ResidualBlockUpsample(inputs, width)
        yield from _pair(width, heads, BASE)
        inputs = width
    yield subpel_conv3x3(inputs, 3, 2)


def _hyper_pair(config: FatConfig) -> Iterator[nn.Module]:
    return _pair(config.hyper_width, config.hyper_heads, HYPER_BASE)


def _pair(width: int, heads: int, base: int) -> Iterator[nn.Module]:
    return (FatBlock(width, heads, base, shifted) for shifted in (False, True))
