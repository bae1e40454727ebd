"""How a quantity grows with the size of the image: a straight line, a power law, a parabola, by least squares."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_SIZES = 3  # two sizes lie on every line
MIN_CURVED = 4  # three sizes lie on every parabola
FAR = 4.0  # beyond so many times the largest measured size a value is far from anything seen
NOISE = 0.03  # relative; what misses the values by less on average may be right
CLEAR = 3.0  # standard deviations by which something must be nearer to the values than the line
CONSTANT = 1e-12  # relative; values that differ by less do not differ

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """y = a + b * x. r2: the share of the values' weighted variance that it explains; NaN if they do not vary.

    a is free: under 0 it says that y may grow faster than in proportion.
    """

    a: float
    b: float
    r2: float

    def at(self, x: Floats) -> Floats:
        """y at x."""
        return self.a + self.b * x

    def reaches(self, y: float) -> float | None:
        """The x at which y is reached, 0 if it is above y from the start; None if it does not rise."""
        return max(0.0, (y - self.a) / self.b) if self.b > 0 else None


@dataclass(frozen=True, slots=True)
class Power:
    """y = fixed + c * x ** p, with a known fixed part, fitted to the logarithms of the rest; r2 of these."""

    c: float
    p: float
    r2: float
    fixed: float = 0.0

    def at(self, x: Floats) -> Floats:
        """y at x."""
        return self.fixed + self.c * x**self.p

    def reaches(self, y: float) -> float | None:
        """The x at which y is reached, 0 if it is above y from the start; None if it does not rise."""
        return float((max(0.0, y - self.fixed) / self.c) ** (1 / self.p)) if self.p > 0 else None


@dataclass(frozen=True, slots=True)
class Parabola:
    """y = a + b * x + c * x ** 2, none of them below 0."""

    a: float
    b: float
    c: float

    def at(self, x: Floats) -> Floats:
        """y at x."""
        return self.a + self.b * x + self.c * x**2

    def reaches(self, y: float) -> float | None:
        """The x at which y is reached, 0 if it is above y from the start; None if it does not rise."""
        room = max(0.0, y - self.a)
        if self.b == self.c == 0:
            return None
        root = float(np.hypot(self.b, 2 * np.sqrt(self.c) * np.sqrt(room)))  # no square is too small for a float
        return 2 * room / (self.b + root) if room else 0.0


Curve = Line | Power | Parabola


@dataclass(frozen=True, slots=True)
class Fit:
    """The fits to the same values. power: None where a value is not above its fixed part. measured: the largest x.

    faster: y grows faster than in proportion to x. doubtful: it may do so, and there are too few x to tell; a y is then
    reached earlier than `best` says.
    """

    line: Line
    power: Power | None
    best: Curve
    measured: float
    faster: bool = False
    doubtful: bool = False


def fit(x: Sequence[float], y: Sequence[float], fixed: float = 0.0) -> Fit | None:
    """The fits to y over x > 0; None for fewer than MIN_SIZES different x. fixed: the part of y known not to grow.

    The noise of a measurement is relative to it, so distances are in shares of y; of y itself where one is not above 0.
    The best is the line unless another is clearly nearer to the values: by CLEAR standard deviations of a relative
    noise of NOISE, or of what that other leaves unexplained if this is more. A little curvature may so be missed, but
    noise is not mistaken for it.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(np.unique(xs)) < MIN_SIZES:
        return None
    weights = 1 / ys if (ys > 0).all() else np.full(len(ys), 1 / (np.abs(ys).max() or 1.0))
    line, power = Line(*_straight(xs, ys, weights)), _power(xs, ys, fixed)
    best: Curve = line
    if power is not None and _nearer(power, best, 2, xs, ys, weights):
        best = power
    curved = _parabola(xs, ys, fixed, weights)
    nearer = _nearer(curved, best, 3, xs, ys, weights)
    doubtful = nearer and len(np.unique(xs)) < MIN_CURVED
    best = curved if nearer and not doubtful else best
    faster = isinstance(best, Parabola) or (isinstance(best, Power) and best.p > 1)
    return Fit(line, power, best, float(xs.max()), faster, doubtful)


def _straight(x: Floats, y: Floats, weights: Floats) -> tuple[float, float, float]:
    """Offset, slope and R^2 of the line with the least weighted squares."""
    squares = weights**2
    middle_x, middle_y = (float(np.average(values, weights=squares)) for values in (x, y))
    dx, dy = x - middle_x, y - middle_y
    if np.abs(dy).max() <= CONSTANT * np.abs(y).max():
        return middle_y, 0.0, float("nan")
    slope = float((squares * dx * dy).sum() / (squares * dx * dx).sum())
    residual = float((squares * (dy - slope * dx) ** 2).sum())
    return middle_y - slope * middle_x, slope, 1 - residual / float((squares * dy * dy).sum())


def _power(x: Floats, y: Floats, fixed: float) -> Power | None:
    growth = y - fixed
    if not (growth > 0).all():
        return None
    offset, p, r2 = _straight(np.log(x), np.log(growth), np.ones(len(x)))
    return Power(float(np.exp(offset)), p, r2, fixed)


def _parabola(x: Floats, y: Floats, fixed: float, weights: Floats) -> Parabola:
    from scipy.optimize import nnls  # only runs of many sizes need it

    scale = np.array([1.0, x.max(), x.max() ** 2])
    coefficients, _ = nnls(weights[:, None] * np.stack([x**0, x, x**2], 1) / scale * y.max(), weights * (y - fixed))
    a, b, c = (float(value) for value in coefficients * y.max() / scale)
    return Parabola(fixed + a, b, c)


def _nearer(other: Power | Parabola, than: Curve, free: int, x: Floats, y: Floats, weights: Floats) -> bool:
    """Whether `other`, with `free` parameters, is clearly nearer to the values than `than`."""
    error, error_before = (float(((weights * (curve.at(x) - y)) ** 2).sum()) for curve in (other, than))
    noise = max(NOISE**2, error / (len(x) - free) if len(x) > free else 0.0)
    return error_before - error > CLEAR**2 * noise
