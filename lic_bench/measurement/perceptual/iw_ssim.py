"""IW-SSIM of luma: MS-SSIM on a Laplacian pyramid, pooled where the pictures have information.

Wang and Li, "Information content weighting for perceptual image quality assessment", IEEE TIP 2011.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import correlate1d, uniform_filter

from lic_bench.measurement.distortion import MS_SSIM_EXPONENTS
from lic_bench.measurement.perceptual.colour import Pixels, Plane, luma

SMALLEST_SIDE = 161  # its coarsest scale must hold the window
BINOMIAL = np.array((1, 4, 6, 4, 1)) * 2**0.5 / 16  # of the pyramid
GAUSSIAN = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))  # the window of SSIM, before it is divided by its sum
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
BLOCK = 3  # side of the neighbourhood whose information is counted
NOISE = 0.4  # variance of the eye's noise, in squared levels
LEAST = 1e-15  # variance that counts


def implementation(_name: str, _weights: Mapping[str, Path]) -> str:
    """Whose it is."""
    return "lic-bench"


def measure(original: Pixels, decoded: Pixels, _names: Sequence[str], _weights: object) -> dict[str, float | None]:
    """1 for identical pictures; None where the original is flat, without information to weigh by."""
    return {"iw-ssim": iw_ssim(luma(original), luma(decoded))}


def iw_ssim(x: Plane, y: Plane) -> float | None:
    """Of the original x and the decoded y, in levels 0 to 255."""
    bands = list(zip(pyramid(x), pyramid(y), strict=True))
    last = len(bands) - 1
    product = 1.0
    for scale, ((band_x, band_y), exponent) in enumerate(zip(bands, MS_SSIM_EXPONENTS, strict=True)):
        luminance, structure = similarities(band_x, band_y)
        if scale == last:
            similarity = float((luminance * structure).mean())
        else:
            weights = information(band_x, band_y, bands[scale + 1][0] if scale + 1 < last else None)
            if weights is None or not weights.any():
                return None
            similarity = float((structure * weights).sum() / weights.sum())
        product *= abs(similarity) ** exponent
    return product


def pyramid(plane: Plane) -> Iterator[Plane]:
    """The levels of the Laplacian pyramid, finest first; the last is what is left, low-passed."""
    for _ in MS_SSIM_EXPONENTS[1:]:
        low = _filtered(plane)[::2, ::2]
        sparse = np.zeros([2 * side for side in low.shape])
        sparse[::2, ::2] = low
        yield plane - _filtered(sparse)[: plane.shape[0], : plane.shape[1]]
        plane = low
    yield plane


def similarities(x: Plane, y: Plane) -> tuple[Plane, Plane]:
    """SSIM's luminance term, and its contrast and structure term, where the window fits."""
    mean_x, mean_y = windowed(x), windowed(y)
    variances = [np.maximum(windowed(z * z) - mean**2, 0) for z, mean in ((x, mean_x), (y, mean_y))]
    covariance = windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return luminance, (2 * covariance + C2) / (sum(variances) + C2)


def windowed(plane: Plane) -> Plane:
    """Means under the Gaussian window of SSIM, where it fits."""
    taps = GAUSSIAN / GAUSSIAN.sum()
    blurred: Plane = correlate1d(correlate1d(plane, taps, axis=0), taps, axis=1)
    return blurred[5:-5, 5:-5]


def information(x: Plane, y: Plane, parent: Plane | None) -> Plane | None:
    """Bits that the eye receives of both pictures around each sample, where SSIM's window fits; None of a flat x.

    A Gaussian scale mixture models a neighbourhood of x with the sample of the next coarser level, its parent.
    """
    gain, distortion = _channel(x, y)
    vectors = [*sliding_window_view(x, (BLOCK, BLOCK)).transpose(2, 3, 0, 1).reshape(BLOCK**2, -1)]
    if parent is not None:
        vectors.append(enlarged(parent)[1 : x.shape[0] - 1, 1 : x.shape[1] - 1].ravel())
    samples = np.stack(vectors)
    values, directions = np.linalg.eigh(samples @ samples.T / samples.shape[1])
    if values[0] <= values[-1] * 1e-12:
        return None
    energy = ((directions.T @ samples) ** 2 / values[:, None]).mean(0).reshape(gain.shape)
    bits = np.zeros_like(gain)
    for value in values:
        signal = (distortion + (1 + gain**2) * NOISE) * energy * value + NOISE * distortion
        bits += np.log2(1 + signal / NOISE**2)
    bits[bits < LEAST] = 0
    return bits[4:-4, 4:-4]


def _channel(x: Plane, y: Plane) -> tuple[Plane, Plane]:
    """How y comes from x, around each inner sample: a gain, and the variance of what is added."""
    mean_x, mean_y = (uniform_filter(z, BLOCK) for z in (x, y))
    variance_x = np.maximum(uniform_filter(x * x, BLOCK) - mean_x**2, 0)
    variance_y = np.maximum(uniform_filter(y * y, BLOCK) - mean_y**2, 0)
    covariance = uniform_filter(x * y, BLOCK) - mean_x * mean_y
    gain = covariance / (variance_x + LEAST)
    distortion = variance_y - gain * covariance
    flat_x, flat_y = variance_x < LEAST, variance_y < LEAST
    gain[flat_x | flat_y] = 0
    distortion[flat_x] = variance_y[flat_x]
    distortion[flat_y] = 0
    return gain[1:-1, 1:-1], distortion[1:-1, 1:-1]


def enlarged(plane: Plane) -> Plane:
    """Twice as large by linear interpolation: every second sample of four times as large, as the authors do it."""
    height, width = plane.shape
    doubled: Plane = _doubling(height) @ plane @ _doubling(width).T
    return doubled


def _doubling(count: int) -> Plane:
    """[2 * count, count]: the weights of count samples in each of twice as many."""
    places = np.clip((np.arange(4 * count - 3) + 0.5) * count / (4 * count - 3) - 0.5, 0, count - 1)
    weights = np.maximum(1 - np.abs(places[:, None] - np.arange(count)), 0)
    before, after = 2 * weights[0] - weights[1], 2 * weights[-1] - weights[-2]
    return np.vstack((before, weights, after))[::2]


def _filtered(plane: Plane) -> Plane:
    """By the pyramid's filter in both directions, mirrored at the borders."""
    rows: Plane = correlate1d(plane, BINOMIAL, axis=1, mode="mirror")
    both: Plane = correlate1d(rows, BINOMIAL, axis=0, mode="mirror")
    return both
