"""Conversions between image tensors and the 8-bit arrays that classical codecs work on.

In NumPy, as the conversions are timed with the codec: torch's threads would wait for each other longer than JPEG takes.
"""

import numpy as np
import torch
from torch import Tensor

from lic_bench.codecs.ycbcr import Pixels


def to_pixels(x: Tensor) -> Pixels:
    """x [1, 3, H, W] in [0, 1] on any device -> [H, W, 3] uint8, rounded."""
    if x.ndim != 4 or x.shape[:2] != (1, 3):
        raise ValueError(f"x has the shape {list(x.shape)}; allowed is one RGB image, [1, 3, H, W].")
    levels = x[0].detach().cpu().numpy() * np.float32(255)
    np.clip(np.rint(levels, out=levels), 0, 255, out=levels)
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(1, 2, 0))


def to_tensor(pixels: Pixels) -> Tensor:
    """[H, W, 3] uint8 -> [1, 3, H, W] float32 in [0, 1] on the CPU."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)
    planes /= np.float32(255)
    return torch.from_numpy(planes)[None]
