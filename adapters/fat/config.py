"""The sizes of a FAT network."""

from __future__ import annotations

from dataclasses import dataclass

SLICES = 5  # of y, coded one after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class FatConfig:
    """widths, heads: of the transformer blocks of g_a from the first to the last, and backwards of those of g_s.

    latent, hyper_latent: channels of y and z. hyper_width, hyper_heads: of the blocks of h_a, h_mean_s and h_scale_s.
    ratio: channels of the context transformer per channel of y. context_heads, context_depth: of its layers.
    """

    widths: tuple[int, int, int] = (96, 144, 256)
    heads: tuple[int, int, int] = (8, 16, 32)
    latent: int = 320
    hyper_width: int = 256
    hyper_heads: int = 32
    hyper_latent: int = 192
    ratio: int = 4
    context_heads: int = 16
    context_depth: int = 12


SMALL = FatConfig(
    widths=(16, 16, 32),
    heads=(4, 4, 8),
    latent=20,
    hyper_width=16,
    hyper_heads=4,
    hyper_latent=6,
    context_heads=8,
    context_depth=2,
)
