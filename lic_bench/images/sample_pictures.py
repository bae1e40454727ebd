"""The built-in data set: dead-leaves pictures, computed and not stored, with the same bytes on every machine.

Discs with radii of density r^-3 that hide each other have the edges and the 1/f^2 power spectrum of photographs
(Lee, Mumford and Huang, IJCV 2001). Only integers and +, -, *, /, sqrt are used, which give the same everywhere.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEEDS = (1, 2, 3, 4)
HEIGHT, WIDTH = 512, 768
LEAVES_PER_MEGAPIXEL = 8_000
RADII = 4.0, 320.0  # pixels
GROUND = 40  # leaves of the largest radius that are laid first, so that no bare canvas shows


@lru_cache(maxsize=8)
def draw_sample(seed: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """One picture, [height, width, 3] uint8 RGB, read-only; the same for the same arguments."""
    import numpy as np

    random = np.random.Generator(np.random.PCG64(seed))
    canvas = np.full((height, width, 3), 128 << 6, np.int32)  # levels in 1/64
    fine = _texture(random, height, width)
    palette = _palette(random)
    leaves = LEAVES_PER_MEGAPIXEL * height * width // 1_000_000 + 200
    for radius in [RADII[1]] * GROUND + _radii(random, leaves):
        _leaf(canvas, fine, random, palette, radius)
    blurred = _blur(_blur(canvas, 0), 1)
    noise = random.integers(-64, 65, (height, width, 1)) + random.integers(-64, 65, (height, width, 1))
    pixels: NDArray[np.uint8] = np.clip((blurred + noise + 32) >> 6, 0, 255).astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


def _radii(random: np.random.Generator, count: int) -> list[float]:
    """Radii of density r^-3 between the two RADII, by inversion of the distribution."""
    import numpy as np

    low, high = (1 / (r * r) for r in RADII)
    return [float(r) for r in 1 / np.sqrt(low - random.random(count) * (low - high))]


def _palette(random: np.random.Generator) -> NDArray[np.int64]:
    """Six muted tints, [6, 3] levels around zero, that all leaves of a picture share."""
    tints = random.integers(-24, 25, (6, 3))
    grey: NDArray[np.int64] = tints.sum(axis=1, keepdims=True) // 3
    return tints - grey


def _texture(random: np.random.Generator, height: int, width: int) -> NDArray[np.int32]:
    """Cloudy noise around zero, [height, width] levels, in octaves of which the coarser are stronger."""
    import numpy as np

    total = np.zeros((height // 32 + 2, width // 32 + 2), np.int32)
    for strength in (26, 22, 18, 14, 10):
        total = total.repeat(2, axis=0).repeat(2, axis=1)
        total = _blur(_blur(total + random.integers(-strength, strength + 1, total.shape, np.int32), 0), 1)
    return total[:height, :width]


def _leaf(
    canvas: NDArray[np.int32],
    fine: NDArray[np.int32],
    random: np.random.Generator,
    palette: NDArray[np.int64],
    radius: float,
) -> None:
    """Paint one leaf, a slanted ellipse, onto the canvas: a colour, a shading across it, and some texture."""
    import numpy as np

    height, width, _ = canvas.shape
    cy, cx = int(random.integers(height)), int(random.integers(width))
    colour = int(random.integers(5, 120)) + int(random.integers(5, 120)) + palette[int(random.integers(len(palette)))]
    shade_y, shade_x = (int(v) for v in random.integers(-2500, 2501, 2))  # levels/64 from the middle to the rim
    slant = int(random.integers(-60, 61))
    flat_y, flat_x = (64 + abs(slant) + int(v) for v in random.integers(0, 100, 2))  # never beyond the radius
    roughness = int(random.integers(4, 90))
    reach = int(radius)
    rows = slice(max(0, cy - reach), min(height, cy + reach + 1))
    columns = slice(max(0, cx - reach), min(width, cx + reach + 1))
    dy = np.arange(rows.start, rows.stop)[:, None] - cy
    dx = np.arange(columns.start, columns.stop)[None, :] - cx
    inside = flat_x * dx * dx + 2 * slant * dx * dy + flat_y * dy * dy <= int(64 * radius * radius)
    light = (dy * shade_y + dx * shade_x) // (reach + 1) + fine[rows, columns] * roughness
    patch = (colour << 6) + light[..., None]
    np.copyto(canvas[rows, columns], patch.astype(np.int32), where=inside[..., None])


def _blur(values: NDArray[np.int32], axis: int) -> NDArray[np.int32]:
    """Convolve with (1, 2, 1) / 4 along an axis, as a lens is soft; the first and last line stay."""
    import numpy as np

    lines = np.moveaxis(values, axis, 0)
    out = lines.copy()
    out[1:-1] = (lines[:-2] + 2 * lines[1:-1] + lines[2:] + 2) >> 2
    return np.moveaxis(out, 0, axis)
