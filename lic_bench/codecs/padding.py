"""Padding images to a codec's multiple and cropping them back."""

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
    """x [B, C, H, W] -> [B, C, H', W'], always a tensor of its own, in which a network may write."""
    margins = padding_margins(x.shape[-2], x.shape[-1], padding)
    return F.pad(x, margins, mode="replicate" if padding.fill == "edge" else "constant")


def crop(x: Tensor, height: int, width: int, padding: Padding) -> Tensor:
    """The inverse of `pad`: x [B, C, H', W'] -> [B, C, height, width]."""
    left, _, top, _ = padding_margins(height, width, padding)
    return x[..., top : top + height, left : left + width]


def padded_size(height: int, width: int, padding: Padding | None) -> tuple[int, int]:
    """Height and width of the image that a network gets; as they are where it declares no padding."""
    multiple = padding.multiple if padding else 1
    return height + -height % multiple, width + -width % multiple
