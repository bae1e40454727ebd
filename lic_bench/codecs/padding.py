"""Pad to a codec's multiple and crop back: the only copy in the project."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from lic_bench.spec import Padding


def padding_margins(height: int, width: int, padding: Padding) -> tuple[int, int, int, int]:
    """(left, right, top, bottom) pixels that bring height x width to multiples of `padding.multiple`."""
    horizontal = -width % padding.multiple
    vertical = -height % padding.multiple
    if padding.place == "corner":
        return 0, horizontal, 0, vertical
    return horizontal // 2, horizontal - horizontal // 2, vertical // 2, vertical - vertical // 2


def pad(x: Tensor, padding: Padding) -> Tensor:
    """x [B, C, H, W] -> [B, C, H', W'] with zeros around; x itself when nothing is to be added."""
    sides = padding_margins(x.shape[-2], x.shape[-1], padding)
    return F.pad(x, sides) if any(sides) else x


def crop(x: Tensor, height: int, width: int, padding: Padding) -> Tensor:
    """Undo `pad`: x [B, C, H', W'] -> [B, C, height, width]."""
    left, _, top, _ = padding_margins(height, width, padding)
    return x[..., top : top + height, left : left + width]
