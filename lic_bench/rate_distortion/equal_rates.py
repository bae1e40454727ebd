"""What a curve says at a given rate or quality: between its points, never beyond them."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lic_bench.rate_distortion.bd_rate import Floats, RDCurve, log_rate


def rate_at(curve: RDCurve, quality: ArrayLike) -> Floats:
    """The rate [n] in bpp at each quality [n] in dB, by BD-rate's pchip; NaN where the curve does not reach it."""
    wanted = np.asarray(quality, np.float64)
    reached = (wanted >= curve.quality[0]) & (wanted <= curve.quality[-1])
    return np.where(reached, np.exp(log_rate(curve)(wanted.clip(curve.quality[0], curve.quality[-1]))), np.nan)


def quality_at(curve: RDCurve, rate: float) -> float:
    """The quality in dB at a rate in bpp, the inverse of `rate_at`; NaN where the curve does not reach it."""
    from scipy.optimize import brentq

    if not curve.rate[0] <= rate <= curve.rate[-1]:
        return math.nan
    rising, target = log_rate(curve), math.log(rate)
    low, high = float(curve.quality[0]), float(curve.quality[-1])
    if rising(low) >= target:  # equal, up to rounding
        return low
    if rising(high) <= target:
        return high
    return float(brentq(lambda quality: float(rising(quality)) - target, low, high))


def nearest_sizes(sizes: ArrayLike, others: ArrayLike) -> NDArray[np.intp]:
    """For each size [n] the place in `others` [m], m >= 1, of the one with the ratio nearest to 1; all above 0."""
    logs, of_others = (np.log(np.asarray(values, np.float64)) for values in (sizes, others))
    places: NDArray[np.intp] = np.abs(logs[:, None] - of_others).argmin(1)
    return places


def geometric_mean(ratios: ArrayLike) -> float:
    """The geometric mean of ratios above 0; NaN of none."""
    values = np.asarray(ratios, np.float64)
    return math.exp(np.log(values).mean()) if values.size else math.nan
