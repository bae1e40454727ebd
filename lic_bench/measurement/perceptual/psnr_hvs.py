"""PSNR-HVS: PSNR of luma in blocks of 8x8 DCT coefficients, weighted by how well the eye sees each.

Egiazarian et al., "New full-reference quality metrics based on HVS", VPQM 2006; without masking, which is PSNR-HVS-M.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.fft import dctn

from lic_bench.measurement.perceptual.colour import Pixels, Plane, luma

BLOCK = 8
# Weights are those of JPEG's luminance quantisation (ITU-T T.81, table K.1) turned over.
JPEG_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
SCALE = 25.735086  # of the weights, as in the authors' program


def implementation(_name: str, _weights: Mapping[str, Path]) -> str:
    """Whose it is."""
    return "lic-bench"


def measure(original: Pixels, decoded: Pixels, _names: Sequence[str], _weights: object) -> dict[str, float | None]:
    """In dB, of two pictures of one size; None for identical ones, where it is infinite.

    Sides are continued to multiples of 8 by the last row and column.
    """
    error = _blocks(luma(original) - luma(decoded))
    mean_square = float(np.mean((dctn(error, axes=(1, 3), norm="ortho") * _weights_of_blocks()) ** 2))
    return {"psnr-hvs": 10 * math.log10(255**2 / mean_square) if mean_square > 0 else None}


def _blocks(plane: Plane) -> Plane:
    """[H, W] -> [rows, 8, columns, 8]."""
    padded = np.pad(plane, [(0, -side % BLOCK) for side in plane.shape], mode="edge")
    return padded.reshape(padded.shape[0] // BLOCK, BLOCK, -1, BLOCK)


def _weights_of_blocks() -> Plane:
    """To be multiplied with [rows, 8, columns, 8]."""
    return (SCALE / np.array(JPEG_STEPS))[:, None, :]
