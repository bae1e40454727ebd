"""What curves say at a given rate or quality: between their points, never beyond them. Many curves at once."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lic_bench.rate_distortion.bd_rate import Floats

HALVINGS = 60  # of the distance between two points: beyond what a float tells


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Curves [k] of up to n points, by BD-rate's pchip: the logarithm of the rate as a function of quality.

    rate in bpp, quality in dB: [k, n], both strictly rising, then NaN; a curve that does not exist is all NaN.
    coefficients: [k, n - 1, 4], from the power 0, of the quality above the point before.
    """

    rate: Floats
    quality: Floats
    coefficients: Floats

    @classmethod
    def through(cls, rate: Floats, quality: Floats) -> Self:
        """Each through its points [n] that no cheaper one equals or beats, as bd_rate.monotone; of fewer than 2: none.

        Points with NaN do not count.
        """
        known = np.isfinite(rate) & np.isfinite(quality)
        rate, quality = np.where(known, rate, np.inf), np.where(known, quality, -np.inf)
        rate, quality = _ordered(rate, quality, np.lexsort((-quality, rate)))
        best = np.maximum.accumulate(quality, axis=1)
        keep = np.isfinite(rate)
        keep[:, 1:] &= (quality[:, 1:] > best[:, :-1]) & (rate[:, 1:] > rate[:, :-1])
        keep &= keep.sum(1, keepdims=True) >= 2
        rate, quality = (np.where(keep, values, np.nan) for values in (rate, quality))
        rate, quality = _ordered(rate, quality, np.argsort(~keep, axis=1, kind="stable"))
        coefficients = np.full((*rate[:, 1:].shape, 4), np.nan)
        counts = keep.sum(1)
        for count in set(counts.tolist()) - {0}:
            own = counts == count
            coefficients[own, : count - 1] = _pchip(quality[own, :count], np.log(rate[own, :count]))
        return cls(rate, quality, coefficients)

    def __getitem__(self, places: NDArray[np.intp]) -> Self:
        """Some of the curves."""
        return type(self)(self.rate[places], self.quality[places], self.coefficients[places])

    @property
    def exist(self) -> NDArray[np.bool_]:
        """Which of the curves [k] have points."""
        known: NDArray[np.bool_] = np.isfinite(self.rate).any(1)
        return known

    def rates_at(self, quality: Floats) -> Floats:
        """The rates [k, m] in bpp at the qualities [k, m] in dB; NaN where a curve does not reach one."""
        if not self.coefficients.size:
            return np.full(quality.shape, np.nan)
        lowest, highest = np.fmin.reduce(self.quality, 1)[:, None], np.fmax.reduce(self.quality, 1)[:, None]
        within = quality.clip(lowest, highest)
        place = self._place(self.quality, within)
        above = within - np.take_along_axis(self.quality, place, 1)
        rates = np.exp(_value(np.take_along_axis(self.coefficients, place[..., None], 1), above))
        return np.where((quality >= lowest) & (quality <= highest), rates, np.nan)

    def qualities_at(self, rate: float) -> Floats:
        """The qualities [k] in dB at a rate in bpp, the inverse of `rates_at`; NaN where a curve does not reach it."""
        if not self.coefficients.size:
            return np.full(len(self.rate), np.nan)
        wanted = np.full((len(self.rate), 1), rate)
        place = self._place(self.rate, wanted)
        coefficients = np.take_along_axis(self.coefficients, place[..., None], 1)
        begin, end = (np.take_along_axis(self.quality, at, 1) for at in (place, place + 1))
        low, high = np.zeros_like(begin), end - begin
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            beyond = _value(coefficients, middle) >= math.log(rate)
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        reached = (np.fmin.reduce(self.rate, 1) <= rate) & (rate <= np.fmax.reduce(self.rate, 1))
        return np.where(reached, (begin + high)[:, 0], np.nan)

    def _place(self, points: Floats, wanted: Floats) -> NDArray[np.intp]:
        """The place [k, m] of the point before each wanted value [k, m], not that of a curve's last point."""
        last = np.isfinite(points).sum(1, keepdims=True) - 2
        before = (points[:, None] <= wanted[..., None]).sum(2) - 1
        place: NDArray[np.intp] = np.minimum(before, last).clip(0)
        return place


def _ordered(rate: Floats, quality: Floats, order: NDArray[np.intp]) -> tuple[Floats, Floats]:
    return np.take_along_axis(rate, order, 1), np.take_along_axis(quality, order, 1)


def _value(coefficients: Floats, above: Floats) -> Floats:
    """The polynomials [..., 4] at [...]."""
    c = coefficients
    value: Floats = c[..., 0] + above * (c[..., 1] + above * (c[..., 2] + above * c[..., 3]))
    return value


def _pchip(x: Floats, y: Floats) -> Floats:
    """The coefficients [k, n - 1, 4] of the curves through the points [k, n], n >= 2, x rising.

    Fritsch and Butland, "A method for constructing local monotone piecewise cubic interpolants", 1984, with the
    one-sided slopes at the ends of C. Moler, "Numerical Computing with Matlab", 2004, as in SciPy's PchipInterpolator.
    """
    steps = np.diff(x)
    secants = np.diff(y) / steps
    slopes = np.broadcast_to(secants[:, :1], x.shape).copy()
    if x.shape[1] > 2:
        before, after, first, second = steps[:, :-1], steps[:, 1:], secants[:, :-1], secants[:, 1:]
        rising = first * second > 0
        weights = 2 * after + before, after + 2 * before
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = (weights[0] + weights[1]) / (weights[0] / first + weights[1] / second)
        slopes[:, 1:-1] = np.where(rising, mean, 0.0)
        slopes[:, 0] = _end_slope(steps[:, 0], steps[:, 1], secants[:, 0], secants[:, 1])
        slopes[:, -1] = _end_slope(steps[:, -1], steps[:, -2], secants[:, -1], secants[:, -2])
    bend = (slopes[:, :-1] + slopes[:, 1:] - 2 * secants) / steps
    return np.stack([y[:, :-1], slopes[:, :-1], (secants - slopes[:, :-1]) / steps - bend, bend / steps], axis=-1)


def _end_slope(step: Floats, next_step: Floats, secant: Floats, next_secant: Floats) -> Floats:
    slope = ((2 * step + next_step) * secant - step * next_secant) / (step + next_step)
    turning = (np.sign(secant) != np.sign(next_secant)) & (np.abs(slope) > 3 * np.abs(secant))
    return np.where(np.sign(slope) != np.sign(secant), 0.0, np.where(turning, 3 * secant, slope))


def nearest_sizes(sizes: Floats, others: Floats) -> NDArray[np.intp]:
    """For each size [k, n] the place in `others` [k, m], m >= 1, of the one with the ratio nearest to 1.

    All above 0, or NaN; of what is NaN itself no matter which.
    """
    distances = np.abs(np.log(sizes)[:, :, None] - np.log(others)[:, None])
    places: NDArray[np.intp] = np.where(np.isnan(distances), np.inf, distances).argmin(2)
    return places


def geometric_mean(ratios: ArrayLike) -> float:
    """The geometric mean of ratios above 0; NaN of none."""
    values = np.asarray(ratios, np.float64)
    return math.exp(np.log(values).mean()) if values.size else math.nan
