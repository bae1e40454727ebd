"""Pictures that are the same on every machine: the built-in sample, and what coarse coding might make of it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lic_bench.images.sample_pictures import draw_sample

Pixels = NDArray[np.uint8]


def damaged(pixels: Pixels, step: int) -> Pixels:
    """Means of 3x3 pixels, in whole numbers, in steps of that many levels."""
    height, width, _ = pixels.shape
    edged = np.pad(pixels.astype(np.int64), ((1, 1), (1, 1), (0, 0)), mode="edge")
    sums: Any = sum(edged[y : y + height, x : x + width] for y in range(3) for x in range(3))
    return np.clip(sums // 9 // step * step + step // 2, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def original() -> Pixels:
    return draw_sample(1, 256, 384)


@pytest.fixture(scope="session")
def decoded(original: Pixels) -> Pixels:
    return damaged(original, 8)
