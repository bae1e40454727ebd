"""Frequency-decomposition window attention (Li et al., ICLR 2024, arXiv:2310.16387, section 3.2).

Four window shapes side by side, each for a quarter of the channels: large squares see low frequencies, small ones high
frequencies, and oblong ones those of one direction.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.shared.windows import merge, partition


def window_shapes(base: int) -> tuple[tuple[int, int], ...]:
    """(rows, cols) of the four branches."""
    long, short = 2 * base, base // 2
    return (long, long), (short, short), (short, long), (long, short)


class WindowAttention(nn.Module):
    """Multi-head attention inside windows of rows x cols, with a learned bias by relative position.

    shifted: the windows lie half a window further down and right, cyclically and without a mask.
    """

    relative_position_index: Tensor

    def __init__(self, heads: int, rows: int, cols: int, shifted: bool) -> None:
        super().__init__()
        self.heads, self.rows, self.cols, self.shifted = heads, rows, cols, shifted
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * rows - 1) * (2 * cols - 1), heads))
        self.register_buffer("relative_position_index", position_index(rows, cols), persistent=False)

    def forward(self, qkv: Tensor) -> Tensor:
        """qkv [B, H, W, 3, C] -> [B, H, W, C]."""
        height, width = qkv.shape[1:3]
        # Floor division moves a window of one pixel there by -1 and back by 0: the authors' networks learned with it.
        there, back = (-self.rows // 2, -self.cols // 2), (self.rows // 2, self.cols // 2)
        if self.shifted:
            qkv = qkv.roll(there, (1, 2))
        tokens = partition(qkv, self.rows, self.cols).unflatten(3, (self.heads, -1))
        q, k, v = tokens.permute(2, 0, 3, 1, 4)  # each [B * windows, heads, tokens, C / heads]
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=self.bias())
        out = merge(attended.transpose(1, 2).flatten(2), self.rows, self.cols, height, width)
        return out.roll(back, (1, 2)) if self.shifted else out

    def bias(self) -> Tensor:
        """What is added to the logits, [1, heads, tokens, tokens]."""
        return self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)[None]


def position_index(rows: int, cols: int) -> Tensor:
    """Row of the bias table for each pair of tokens (query, key), [rows * cols, rows * cols] int64."""
    row = torch.arange(rows).repeat_interleave(cols)
    col = torch.arange(cols).repeat(rows)
    down = row[:, None] - row[None] + rows - 1
    right = col[:, None] - col[None] + cols - 1
    return down * (2 * cols - 1) + right
