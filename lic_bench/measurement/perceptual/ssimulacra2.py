"""SSIMULACRA 2.1, Sneyers' metric of compressed photographs, as https://github.com/cloudinary/ssimulacra2 defines it.

In JPEG XL's colours XYB, at six scales, three maps: an SSIM without its luminance denominator, and what the decoded
picture has of detail that the original lacks, and the reverse. Means and 4-norms of the maps are weighed and summed.

The authors' program blurs by a recursion in single precision, whose noise lowers its score a little: by 0.01 on most
pictures, by 1 at the most seen, where there is much flat area and high quality. Here the blur is the exact one.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from lic_bench.measurement.perceptual.colour import Pixels
from lic_bench.measurement.perceptual.ssimulacra2_weights import WEIGHTS

Image = NDArray[np.float32]  # [3, H, W]
SMALLEST_SIDE = 225  # at which the sixth scale has 8 pixels
SIGMA, RADIUS = 1.5, 5  # of the blur, in pixels
C2 = 0.0009  # against division by zero in flat areas
# XYB (Alakuijala et al., "JPEG XL next-generation image compression architecture", 2019): linear RGB to L, M, S.
TO_LMS = ((0.30, 0.622, 0.078), (0.23, 0.692, 0.078), (0.24342268924547819, 0.20476744424496821, 0.5518098665095536))
BIAS = 0.0037930732552754493  # of each of L, M, S


def implementation(_name: str, _weights: Mapping[str, Path]) -> str:
    """Whose it is, and which version of the metric."""
    return "lic-bench (SSIMULACRA 2.1)"


def measure(original: Pixels, decoded: Pixels, _names: Sequence[str], _weights: object) -> dict[str, float | None]:
    """100 for identical pictures, about 90 where no difference is seen, 30 for low quality; may be negative."""
    pair = linear(original), linear(decoded)
    features = []
    for scale in range(len(WEIGHTS[0])):
        if scale:
            pair = halved(pair[0]), halved(pair[1])
        features.append(_features(to_xyb(pair[0]), to_xyb(pair[1])))
    total = float(np.sum(np.array(WEIGHTS) * np.stack(features, axis=1)))
    return {"ssimulacra2": _score(total)}


def linear(pixels: Pixels) -> Image:
    """sRGB of 8 bits to linear light in [0, 1], channels first."""
    level = np.arange(256) / 255
    table = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return np.ascontiguousarray(table[pixels].transpose(2, 0, 1))


def halved(image: Image) -> Image:
    """Means of 2x2 pixels; an odd last row or column counts twice."""
    even = np.pad(image, [(0, 0), *((0, side % 2) for side in image.shape[1:])], mode="edge")
    small: Image = (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4
    return small


def to_xyb(image: Image) -> Image:
    """Linear RGB to X, Y and B - Y, each scaled and shifted to be positive."""
    lms = np.tensordot(np.array(TO_LMS, np.float32), image, 1) + np.float32(BIAS)
    long, middle, short = np.cbrt(np.maximum(lms, 0)) - np.cbrt(np.float32(BIAS))
    x, y = (long - middle) / 2, (long + middle) / 2
    return np.stack((14 * x + np.float32(0.42), y + np.float32(0.01), short - y + np.float32(0.55)))


def _features(x: Image, y: Image) -> NDArray[np.float64]:
    """[channel, norm, map] of one scale."""
    maps = [np.abs(values, dtype=np.float64) for values in _maps(x, y)]
    means = [values.mean(axis=(1, 2)) for values in maps]
    norms = [np.mean(values**4, axis=(1, 2)) ** 0.25 for values in maps]
    return np.stack((np.stack(means, -1), np.stack(norms, -1)), 1)


def _maps(x: Image, y: Image) -> Iterator[Image]:
    """The three maps, [3, H, W], 0 where nothing differs."""
    mean_x, mean_y = blurred(x), blurred(y)
    covariance = blurred(x * y) - mean_x * mean_y
    variances = (blurred(x * x) - mean_x**2) + (blurred(y * y) - mean_y**2)
    similarity = (1 - (mean_x - mean_y) ** 2) * (2 * covariance + np.float32(C2)) / (variances + np.float32(C2))
    yield np.maximum(1 - similarity, 0)
    change = (1 + np.abs(y - mean_y)) / (1 + np.abs(x - mean_x)) - 1
    yield np.maximum(change, 0)
    yield np.maximum(-change, 0)


def blurred(image: Image) -> Image:
    """By a Gaussian, in both directions; black outside."""
    taps = gaussian()
    rows: Image = correlate1d(image, taps, axis=1, mode="constant")
    both: Image = correlate1d(rows, taps, axis=2, mode="constant")
    return both


def gaussian() -> NDArray[np.float64]:
    """The Gaussian as a sum of three cosines that end at the radius: Charalampidis, IEEE TSP 2016. 2 * RADIUS + 1 taps.

    Their amplitudes give it a sum of 1, the variance SIGMA**2 and the spectrum of a Gaussian along the one direction
    that is left.
    """
    n = np.arange(-RADIUS, RADIUS + 1)
    omega = np.array((1, 3, 5)) * np.pi / (2 * RADIUS)
    cosines = np.cos(np.outer(omega, n))
    sums, moments = cosines.sum(1), cosines @ n**2
    free = np.cross(sums, moments)
    spectrum = np.exp(-0.5 * SIGMA**2 * omega**2) / RADIUS
    conditions = np.stack((sums, moments, free))
    taps: NDArray[np.float64] = np.linalg.solve(conditions, (1, SIGMA**2, free @ spectrum)) @ cosines
    return taps


def _score(total: float) -> float:
    """From the weighed sum to the scale of the authors."""
    x = 0.9562382616834844 * total
    x = 2.326765642916932 * x - 0.020884521182843837 * x**2 + 6.248496625763138e-05 * x**3
    return 100 - 10 * x**0.6276336467831387 if x > 0 else 100.0
