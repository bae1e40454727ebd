"""The frequency-aware transformer block (Li et al., ICLR 2024, arXiv:2310.16387, figure 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from adapters.fat.attention import WindowAttention, window_shapes
from adapters.fat.modulation import FrequencyModulation


class FatTransformer(nn.Module):
    """Attention in four window shapes, then a feed-forward network with frequency modulation; channels last.

    base: the windows of attention are base / 2 and 2 * base long, those of the modulation 2 * base.
    """

    def __init__(self, width: int, heads: int, base: int, shifted: bool) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.norm1 = nn.LayerNorm(width)
        self.proj = nn.Linear(width, width)
        self.attns = nn.ModuleList(
            WindowAttention(heads // 4, rows, cols, shifted) for rows, cols in window_shapes(base)
        )
        self.fm = FrequencyModulation(width, 2 * base)
        self.ffn = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, H, W, C] -> the same shape."""
        x = x + self.attend(self.norm1(x))
        return x + self.fm(self.ffn(self.norm2(x)))

    def attend(self, x: Tensor) -> Tensor:
        """Each branch attends within its quarter of the channels."""
        quarters = self.qkv(x).unflatten(-1, (3, len(self.attns), -1)).unbind(-2)
        parts = [attention(quarter) for attention, quarter in zip(self.attns, quarters, strict=True)]
        return self.proj(torch.cat(parts, -1))


class FatBlock(nn.Module):
    """The transformer between two 1x1 convolutions, with a residual connection around all. [B, C, H, W]."""

    def __init__(self, width: int, heads: int, base: int, shifted: bool) -> None:
        super().__init__()
        self.trans_block = FatTransformer(width, heads, base, shifted)
        self.conv1_1 = nn.Conv2d(width, width, 1)
        self.conv1_2 = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> the same shape; H and W multiples of the longest window."""
        x = x.contiguous(memory_format=torch.channels_last)  # the transformer's; convolutions keep what they get
        inner = self.trans_block(self.conv1_1(x).permute(0, 2, 3, 1))
        return x + self.conv1_2(inner.permute(0, 3, 1, 2))
