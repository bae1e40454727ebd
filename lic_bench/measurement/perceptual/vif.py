"""VIFp: how much of the information in the original's luma the decoded picture still has.

Sheikh and Bovik, "Image information and visual quality", IEEE TIP 2006, in their pixel-domain form: Gaussian windows
at four scales in place of wavelets.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.ndimage import correlate1d

from lic_bench.measurement.perceptual.colour import Pixels, Plane, luma

WINDOWS = (17, 9, 5, 3)  # taps at each scale, finest first; of a standard deviation of a fifth of that
SMALLEST_SIDE = 41
NOISE = 2.0  # variance of the eye's noise, in squared levels
LEAST = 1e-10  # variance that counts


def implementation(_name: str, _weights: Mapping[str, Path]) -> str:
    """Whose it is."""
    return "lic-bench"


def measure(original: Pixels, decoded: Pixels, _names: Sequence[str], _weights: object) -> dict[str, float | None]:
    """1 for identical pictures, more where contrast was raised; None where the original has no information."""
    return {"vif": vif(luma(original), luma(decoded))}


def vif(x: Plane, y: Plane) -> float | None:
    """Of the original x and the decoded y, in levels 0 to 255."""
    kept = information = 0.0
    for size in WINDOWS:
        if size != WINDOWS[0]:
            x, y = windowed(x, size)[::2, ::2], windowed(y, size)[::2, ::2]
        mean_x, mean_y = windowed(x, size), windowed(y, size)
        variance_x = windowed(x * x, size) - mean_x**2
        variance_y = windowed(y * y, size) - mean_y**2
        covariance = windowed(x * y, size) - mean_x * mean_y
        variance_x[variance_x < LEAST] = 0
        gain = np.where(variance_x > 0, np.maximum(covariance, 0) / np.maximum(variance_x, LEAST), 0)
        distortion = np.maximum(variance_y - gain * covariance, LEAST)
        kept += float(np.log1p(gain**2 * variance_x / (distortion + NOISE)).sum())
        information += float(np.log1p(variance_x / NOISE).sum())
    return kept / information if information else None


def windowed(plane: Plane, size: int) -> Plane:
    """Means under a Gaussian window of so many taps, where it fits."""
    half = size // 2
    taps = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * (size / 5) ** 2))
    taps /= taps.sum()
    blurred: Plane = correlate1d(correlate1d(plane, taps, axis=0), taps, axis=1)
    return blurred[half:-half, half:-half]
