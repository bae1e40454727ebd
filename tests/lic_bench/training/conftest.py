"""Pictures to train on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def draw_pictures(folder: Path) -> Path:
    """Five pictures in two folders, smooth with noise, 128 to 144 pixels wide and high."""
    rng = np.random.default_rng(0)
    for number in range(5):
        height, width = 128 + 4 * number, 144 - 4 * number
        rows, columns = np.mgrid[:height, :width]
        base = np.stack([rows + columns, 255 - rows, (rows * columns) % 255], -1) % 256
        path = folder / f"part{number % 2}" / f"picture{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((base * 0.8 + rng.integers(0, 50, base.shape)).astype(np.uint8)).save(path)
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """`draw_pictures`, for one test."""
    return draw_pictures(tmp_path / "pictures")


@pytest.fixture(scope="module")
def same_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`draw_pictures`, for tests that leave them as they are."""
    return draw_pictures(tmp_path_factory.mktemp("training") / "pictures")
