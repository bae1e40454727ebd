"""How much a BD-rate depends on the images: of each image, and of images drawn anew (Efron's bootstrap, 1979)."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from lic_bench.rate_distortion.bd_rate import Floats, RDCurve, Window, monotone
from lic_bench.rate_distortion.many_curves import Curves, bd_rates

DRAWS = 1000
SEED = 20010402  # any; fixed, so that a report comes out the same again
LEVEL = 95.0  # percent of the draws that an interval holds
MIN_IMAGES = 8  # of fewer an interval is far too narrow
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class ImageCurves:
    """What a codec made of m images at n qualities: rate [m, n] in bpp, quality [m, n] in dB, finite.

    Two of them are comparable if their images are the same, in the same order. The points that the curve of the means
    does not keep are left out; UserError if fewer than two are left.
    """

    name: str
    rate: Floats
    quality: Floats
    mean: RDCurve

    def __init__(self, name: str, rate: Floats, quality: Floats) -> None:
        rates, qualities = rate.mean(0), quality.mean(0)
        mean, _ = monotone(name, rates, qualities)
        points = zip(mean.rate, mean.quality, strict=True)
        kept = [int(np.flatnonzero((rates == r) & (qualities == q))[0]) for r, q in points]
        for key, value in (("name", name), ("rate", rate[:, kept]), ("quality", quality[:, kept]), ("mean", mean)):
            object.__setattr__(self, key, value)  # the way into a frozen dataclass

    def __len__(self) -> int:
        return len(self.rate)

    def averaged(self, shares: Floats) -> Curves:
        """The curves of the means over images that count by shares [k, m], each row's sum 1."""
        return Curves(shares @ self.rate, shares @ self.quality)


@dataclass(frozen=True, slots=True)
class Spread:
    """A BD-rate over images, in percent. of_means: the interval of the BD-rate of the curves of the means.

    mean, median: of the n_images that have a BD-rate of their own; of_mean: the interval of that mean. NaN and None
    where there is none: of no image, or in a draw.
    """

    of_means: Interval | None
    mean: float
    median: float
    of_mean: Interval | None
    n_images: int


@cache
def drawn_shares(n_images: int) -> Floats:
    """How much each image counts in each draw, [DRAWS, n_images]: drawn with replacement, the same at every call."""
    generator = np.random.default_rng(SEED)
    return generator.multinomial(n_images, np.full(n_images, 1 / n_images), DRAWS) / n_images


def spread(anchor: ImageCurves, test: ImageCurves, window: Window | None = None) -> Spread:
    """Of the BD-rate of `test` over the images of both; in each draw both have the same images.

    window: as for `many_curves.bd_rates`, in the draws; an image's own curve keeps its own range.
    """
    each = bd_rates(Curves(anchor.rate, anchor.quality), Curves(test.rate, test.quality))
    each = each[np.isfinite(each)]
    of_mean = interval(drawn_shares(len(each)) @ each) if len(each) >= MIN_IMAGES else None
    middle = (float(each.mean()), float(np.median(each))) if len(each) else (float("nan"), float("nan"))
    return Spread(difference(anchor, test, window), *middle, of_mean, len(each))


def difference(anchor: ImageCurves, test: ImageCurves, window: Window | None = None) -> Interval | None:
    """The interval of the BD-rate of the curves of the means; None of fewer than MIN_IMAGES, or if a draw has none."""
    if len(anchor) < MIN_IMAGES:
        return None
    shares = drawn_shares(len(anchor))
    return interval(bd_rates(anchor.averaged(shares), test.averaged(shares), window))


def interval(values: Floats) -> Interval | None:
    """The middle LEVEL percent of values [k]; None if one is missing."""
    if not np.isfinite(values).all():
        return None
    rest = (100 - LEVEL) / 2
    low, high = np.percentile(values, (rest, 100 - rest))
    return float(low), float(high)
