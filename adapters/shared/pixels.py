"""Between image tensors and the 8-bit arrays that classical codecs work on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_pixels(x: Tensor) -> NDArray[np.uint8]:
    """x [1, 3, H, W] in [0, 1] on any device -> [H, W, 3] uint8, rounded."""
    if x.ndim != 4 or x.shape[:2] != (1, 3):
        raise ValueError(f"x has the shape {list(x.shape)}; allowed is one RGB image, [1, 3, H, W].")
    levels = (x[0].detach() * 255).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """[H, W, 3] uint8 -> [1, 3, H, W] float32 in [0, 1] on the CPU."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].to(torch.float32).contiguous() / 255
