"""BD-rates of many pairs of curves at once, by the pchip of `bd_rate`: for resampled and for single images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lic_bench.errors import UserError
from lic_bench.rate_distortion.bd_rate import Floats, Window, bd_rate, monotone


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """k curves of n points each, n >= 2: rate [k, n] in bpp and quality [k, n] in dB, all in one order of points."""

    rate: Floats
    quality: Floats

    def rising(self) -> NDArray[np.bool_]:
        """Which [k] rise strictly in rate and quality."""
        steps: NDArray[np.bool_] = (np.diff(self.rate) > 0) & (np.diff(self.quality) > 0)
        return np.asarray(steps.all(1))


def bd_rates(anchors: Curves, tests: Curves, window: Window | None = None) -> Floats:
    """The BD-rate [k] in percent of each test curve against the anchor of the same place, as `bd_rate` has it.

    Of a curve that does not rise, the `monotone` one. NaN where two curves have no quality in common. window: only the
    part of the common interval that lies in it counts.
    """
    low = np.maximum(anchors.quality[:, 0], tests.quality[:, 0])
    high = np.minimum(anchors.quality[:, -1], tests.quality[:, -1])
    if window:
        low, high = np.maximum(low, window[0]), np.minimum(high, window[1])
    rising = anchors.rising() & tests.rising()
    values = np.full(len(low), np.nan)
    fast = rising & (low < high)
    if fast.any():
        areas = [_integrals(_of(curves, fast), low[fast], high[fast]) for curves in (tests, anchors)]
        values[fast] = 100 * np.expm1((areas[0] - areas[1]) / (high - low)[fast])
    for place in np.flatnonzero(~rising):
        values[place] = _one(_of(anchors, place), _of(tests, place), window)
    return values


def _of(curves: Curves, which: NDArray[np.bool_] | np.intp) -> Curves:
    return Curves(curves.rate[which], curves.quality[which])


def _one(anchor: Curves, test: Curves, window: Window | None) -> float:
    """Slow, for a pair that does not rise; here the curves are single, [n]."""
    try:
        a, t = (monotone("resampled", curve.rate, curve.quality)[0] for curve in (anchor, test))
        low, high = max(a.quality[0], t.quality[0]), min(a.quality[-1], t.quality[-1])
        part = (max(low, window[0]), min(high, window[1])) if window else None
        return bd_rate(a, t, window=part).value
    except UserError:
        return float("nan")


def _integrals(curves: Curves, low: Floats, high: Floats) -> Floats:
    """The integral [k] of the logarithm of the rate over the quality from low [k] to high [k], by pchip."""
    x, y = curves.quality, np.log(curves.rate)
    h, d = np.diff(x), _slopes(x, y)
    ends = (np.clip((at[:, None] - x[:, :-1]) / h, 0, 1) for at in (low, high))
    parts = (_hermite_area(t, y[:, :-1], y[:, 1:], h * d[:, :-1], h * d[:, 1:]) for t in ends)
    before, upto = parts
    areas: Floats = (h * (upto - before)).sum(1)
    return areas


def _hermite_area(t: Floats, y0: Floats, y1: Floats, m0: Floats, m1: Floats) -> Floats:
    """The integral from 0 to t of the cubic with values y0, y1 and slopes m0, m1 at 0 and 1."""
    t2, t3, t4 = t**2, t**3, t**4
    area: Floats = y0 * (t - t3 + t4 / 2) + y1 * (t3 - t4 / 2)
    area = area + m0 * (t2 / 2 - 2 * t3 / 3 + t4 / 4) + m1 * (t4 / 4 - t3 / 3)
    return area


def _slopes(x: Floats, y: Floats) -> Floats:
    """pchip's slopes [k, n] of rising curves (Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5(2), 1984)."""
    h = np.diff(x)
    m = np.diff(y) / h
    if m.shape[1] == 1:
        return np.repeat(m, 2, axis=1)
    w1, w2 = 2 * h[:, 1:] + h[:, :-1], h[:, 1:] + 2 * h[:, :-1]
    inner = (w1 + w2) / (w1 / m[:, :-1] + w2 / m[:, 1:])
    first = _end_slope(h[:, 0], h[:, 1], m[:, 0], m[:, 1])
    last = _end_slope(h[:, -1], h[:, -2], m[:, -1], m[:, -2])
    return np.column_stack([first, inner, last])


def _end_slope(h0: Floats, h1: Floats, m0: Floats, m1: Floats) -> Floats:
    """By three points, and never falling."""
    slope: Floats = np.maximum(((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1), 0)
    return slope
