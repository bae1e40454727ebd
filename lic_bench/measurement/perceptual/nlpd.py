"""NLPD, the normalised Laplacian pyramid distance, of luma.

Laparra et al., "Perceptual image quality assessment using a normalized Laplacian pyramid", HVEI 2016. A level of the
pyramid is divided by what is usual around each sample; the parameters are the paper's, fitted to photographs.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.ndimage import convolve1d

from lic_bench.measurement.perceptual.colour import Pixels, Plane, luma

LOW_PASS = (0.05, 0.25, 0.4, 0.25, 0.05)  # of Burt and Adelson's pyramid
# Of each level, finest first: the constant, and the weights of the samples below and above, and of those in the row:
# two to the right, one to the right, itself, one to the left, two to the left.
NORMALISATION = (
    (0.0248, (0.1011, 0.1015), (0, 0.1493, 0, 0.1460, 0.0072)),
    (0.0185, (0.0757, 0.0837), (0, 0.1986, 0, 0.1846, 0)),
    (0.0179, (0.0477, 0.0467), (0, 0.2138, 0, 0.2243, 0)),
    (0.0191, (0, 0), (0, 0.2503, 0, 0.2616, 0)),
    (0.0220, (0, 0), (0, 0.2598, 0, 0.2552, 0)),
    (0.2782, (0, 0), (0, 0.2215, 0, 0.0717, 0)),
)


def implementation(_name: str, _weights: Mapping[str, Path]) -> str:
    """Whose it is."""
    return "lic-bench"


def measure(original: Pixels, decoded: Pixels, _names: Sequence[str], _weights: object) -> dict[str, float | None]:
    """The mean over the levels of the root mean square difference; 0 for identical pictures."""
    pairs = zip(normalised(luma(original) / 255), normalised(luma(decoded) / 255), strict=True)
    return {"nlpd": float(np.mean([np.sqrt(np.mean((x - y) ** 2)) for x, y in pairs]))}


def normalised(plane: Plane) -> Iterator[Plane]:
    """The levels of the normalised Laplacian pyramid of a plane in [0, 1], finest first."""
    for level, (constant, (below, above), row) in enumerate(NORMALISATION, start=1):
        low = _reduce(plane)
        band = plane - _expand(low, plane.shape) if level < len(NORMALISATION) else plane
        size = np.abs(band)
        around = convolve1d(size, row, axis=1, mode="constant") + convolve1d(
            size, (below, 0, above), axis=0, mode="constant"
        )
        yield band / (constant + around)
        plane = low


def _reduce(plane: Plane) -> Plane:
    """Low-passed, every second sample of every second row."""
    low: Plane = convolve1d(convolve1d(plane, LOW_PASS, axis=0, mode="reflect"), LOW_PASS, axis=1, mode="reflect")
    return low[::2, ::2]


def _expand(plane: Plane, shape: tuple[int, ...]) -> Plane:
    """Interpolated to the shape from which it was reduced; continued by its border samples."""
    height, width = shape
    padded = np.pad(plane, 1, mode="edge")
    sparse = np.zeros([2 * side for side in padded.shape])
    sparse[::2, ::2] = 4 * padded
    dense: Plane = convolve1d(convolve1d(sparse, LOW_PASS, axis=0, mode="constant"), LOW_PASS, axis=1, mode="constant")
    return dense[2 : 2 + height, 2 : 2 + width]
