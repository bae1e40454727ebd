"""BD-rate and BD-PSNR (Bjontegaard, VCEG-M33, 2001): the mean gaps between two rate-distortion curves.

`pchip` is what the paper's Table 1 was computed with; `cubic` is the classic polynomial of VCEG-M33.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lic_bench.errors import UserError, unknown

Method = Literal["pchip", "cubic", "akima"]
METHODS: tuple[Method, ...] = get_args(Method)
MIN_POINTS: dict[Method, int] = {"pchip": 2, "cubic": 4, "akima": 2}
Floats = NDArray[np.float64]
Window = tuple[float, float]  # an interval of quality [dB], from its lower to its upper end


@dataclass(frozen=True, slots=True, eq=False)
class RDCurve:
    """One codec's curve: rate [n] in bpp and quality [n], n >= 2, both strictly rising after sorting by rate.

    Quality is in dB or on a metric's own scale.

    A curve that is not strictly rising is a UserError; `monotone` is the explicit way to drop points first.
    """

    name: str
    rate: Floats
    quality: Floats

    def __init__(self, name: str, rate: ArrayLike, quality: ArrayLike) -> None:
        rates, qualities = _sorted(name, rate, quality)
        rising = (np.diff(rates) > 0) & (np.diff(qualities) > 0)
        if not rising.all():
            at = int(np.argmin(rising))
            raise UserError(
                f"Curve {name!r} is not strictly rising: quality {qualities[at]:g} at {rates[at]:g} bpp, then "
                f"{qualities[at + 1]:g} at {rates[at + 1]:g} bpp; drop the point that costs more and gives no more."
            )
        for key, value in (("name", name), ("rate", rates), ("quality", qualities)):
            object.__setattr__(self, key, value)  # the way into a frozen dataclass

    def __len__(self) -> int:
        return len(self.rate)

    def without(self, index: int) -> Self:
        """The curve less one point, counted in order of rising rate."""
        return type(self)(self.name, np.delete(self.rate, index), np.delete(self.quality, index))


@dataclass(frozen=True, slots=True)
class BDResult:
    """value: percent; negative: fewer bits. low, high: common range of quality; overlap: over the joint one, 0..1."""

    value: float
    overlap: float
    low: float
    high: float


def monotone(name: str, rate: ArrayLike, quality: ArrayLike) -> tuple[RDCurve, list[tuple[float, float]]]:
    """The curve of the points that no cheaper point equals or beats, and the (rate, quality) of the others.

    Of points of one rate the best stays, in whatever order they come.
    """
    rates, qualities = _sorted(name, rate, quality)
    best = np.maximum.accumulate(qualities)
    keep = np.r_[True, (qualities[1:] > best[:-1]) & (np.diff(rates) > 0)]
    if keep.sum() < 2:
        alike = rates[0] == rates[-1] and (qualities == qualities[0]).all()
        why = (
            "are one and the same; does the codec use its quality?" if alike else "cost more and are no better but one."
        )
        raise UserError(f"Curve {name!r} needs 2 points; its {len(rates)} {why}")
    dropped = [(float(r), float(q)) for r, q in zip(rates[~keep], qualities[~keep], strict=True)]
    return RDCurve(name, rates[keep], qualities[keep]), dropped


def bd_rate(anchor: RDCurve, test: RDCurve, method: Method = "pchip", window: Window | None = None) -> BDResult:
    """Mean rate difference of `test` to `anchor` over their common quality interval, on log rate, in percent.

    window: an interval to take the mean over in its place; UserError where a curve does not reach its ends.
    """
    low, high, overlap = _common_quality(anchor, test, window)
    _check_method(method, anchor, test)
    areas = [_integral(log_rate, curve, method, low, high) for curve in (test, anchor)]
    return BDResult(100 * float(np.expm1((areas[0] - areas[1]) / (high - low))), overlap, low, high)


def bd_psnr(anchor: RDCurve, test: RDCurve, method: Method = "pchip") -> float:
    """Mean quality difference of `test` to `anchor` over their common interval of log rate, in dB; positive is better.

    Raises UserError where they have no rate in common.
    """
    low, high = (float(f(np.log([anchor.rate[at], test.rate[at]]))) for f, at in ((np.max, 0), (np.min, -1)))
    if low >= high:
        ranges = " and ".join(f"{curve.rate[0]:.3f}..{curve.rate[-1]:.3f}" for curve in (anchor, test))
        raise UserError(f"Curves {anchor.name!r} and {test.name!r} have no rate in common: {ranges} bpp.")
    _check_method(method, anchor, test)
    areas = [_integral(quality_of_log_rate, curve, method, low, high) for curve in (test, anchor)]
    return (areas[0] - areas[1]) / (high - low)


def leave_one_out(
    anchor: RDCurve, test: RDCurve, method: Method = "pchip", window: Window | None = None
) -> tuple[float, float] | None:
    """The lowest and highest BD-rate [percent] with any one point of `test` left out: an error bar.

    None if the method needs all points, or without any one of them the curves have no range in common. A point without
    which the curve does not reach the window stays.
    """
    if len(test) <= MIN_POINTS[method]:
        return None
    values = []
    for index in range(len(test)):
        try:
            values.append(bd_rate(anchor, test.without(index), method, window).value)
        except UserError:
            continue  # that point alone reached the anchor's range
    return (min(values), max(values)) if values else None


@lru_cache(4096)
def log_rate(curve: RDCurve, method: Literal["pchip", "akima"] = "pchip") -> Any:
    """A function of quality within the curve's range: the natural logarithm of its rate, through all its points.

    By pchip it rises, as the points do.
    """
    return _interpolator(curve, method)(curve.quality, np.log(curve.rate))


def quality_of_log_rate(curve: RDCurve, method: Literal["pchip", "akima"] = "pchip") -> Any:
    """The other way round: the quality as a function of the natural logarithm of the rate."""
    return _interpolator(curve, method)(np.log(curve.rate), curve.quality)


def _interpolator(curve: RDCurve, method: Method) -> Any:
    from scipy.interpolate import Akima1DInterpolator, PchipInterpolator

    straight = method == "akima" and len(curve) == 2  # Akima's slopes need a neighbour: two points are a line
    return PchipInterpolator if method == "pchip" or straight else Akima1DInterpolator


def _sorted(name: str, rate: ArrayLike, quality: ArrayLike) -> tuple[Floats, Floats]:
    rates, qualities = np.asarray(rate, float), np.asarray(quality, float)
    if rates.ndim != 1 or rates.shape != qualities.shape:
        raise UserError(f"Curve {name!r} has rates {rates.shape} and qualities {qualities.shape}; give one of each.")
    if len(rates) < 2:
        raise UserError(f"Curve {name!r} has {len(rates)} point(s); a curve needs at least 2.")
    if not (np.isfinite(rates).all() and np.isfinite(qualities).all()):
        raise UserError(f"Curve {name!r} has a point that is not finite; leave it out.")
    if rates.min() <= 0:
        raise UserError(f"Curve {name!r} has the rate {rates.min():g} bpp; rates must be above 0.")
    order = np.lexsort((-qualities, rates))  # the best first of points of one rate
    return rates[order], qualities[order]


def _check_method(method: Method, *curves: RDCurve) -> None:
    if method not in METHODS:
        raise unknown("BD-rate method", method, METHODS)
    for curve in curves:
        if len(curve) < MIN_POINTS[method]:
            raise UserError(f"Curve {curve.name!r} has {len(curve)} points; {method!r} needs {MIN_POINTS[method]}.")


def _common_quality(anchor: RDCurve, test: RDCurve, window: Window | None) -> tuple[float, float, float]:
    """The common interval of quality, or the window in it, and its share of the joint range."""
    a, t = anchor.quality, test.quality
    low, high = max(a[0], t[0]), min(a[-1], t[-1])
    if low >= high:
        raise UserError(
            f"Curves {anchor.name!r} and {test.name!r} have no quality in common: "
            f"{_range(a)} and {_range(t)}; measure qualities that overlap."
        )
    if window:
        if not low <= window[0] < window[1] <= high:
            raise UserError(
                f"Curves {anchor.name!r} and {test.name!r} have {low:.2f}..{high:.2f} dB in common, which does not "
                f"hold the window {window[0]:.2f}..{window[1]:.2f} dB."
            )
        low, high = window
    joint = max(a[-1], t[-1]) - min(a[0], t[0])
    return float(low), float(high), float((high - low) / joint)


def _range(quality: Floats) -> str:
    return "..".join(f"{end:.2f}" if abs(end) >= 10 else f"{end:.4f}" for end in quality[[0, -1]])


def _integral(through: Any, curve: RDCurve, method: Method, low: float, high: float) -> float:
    """Of `through`, log_rate or quality_of_log_rate, of the curve; by "cubic" of the polynomial in its place."""
    if method != "cubic":
        return float(through(curve, method).integrate(low, high))
    x, y = curve.quality, np.log(curve.rate)
    if through is quality_of_log_rate:
        x, y = y, x
    # the polynomial's own domain keeps the fit well conditioned, unlike powers of 30 dB
    polynomial: Any = np.polynomial.Polynomial
    fit = polynomial.fit(x, y, 3).integ()
    return float(fit(high) - fit(low))
