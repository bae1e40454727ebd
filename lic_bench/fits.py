"""How a quantity grows with the size of the image: a straight line and a power law, by least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_SIZES = 3  # two sizes lie on every line
FAR = 4.0  # beyond so many times the largest measured size a value is far from anything seen
NEAR_ONE = 0.05  # so close to 1 the exponent says no more than the line
CONSTANT = 1e-12  # relative; values that differ by less do not differ

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """y = a + b * x. r2: the share of the values' variance that it explains; NaN where they do not vary.

    a is free: under 0 it says that y grows faster than in proportion.
    """

    a: float
    b: float
    r2: float

    def at(self, x: Floats) -> Floats:
        """y at x."""
        values: Floats = self.a + self.b * x
        return values

    def reaches(self, y: float) -> float | None:
        """The x at which it comes to y, 0 where it is above from the start; None where it does not rise."""
        return max(0.0, (y - self.a) / self.b) if self.b > 0 else None


@dataclass(frozen=True, slots=True)
class Power:
    """y = c * x ** p, fitted to the logarithms; r2 of these."""

    c: float
    p: float
    r2: float

    def at(self, x: Floats) -> Floats:
        """y at x."""
        values: Floats = self.c * x**self.p
        return values

    def reaches(self, y: float) -> float | None:
        """The x at which it comes to y; None where it does not rise."""
        return float((y / self.c) ** (1 / self.p)) if self.p > 0 and y > 0 else None


@dataclass(frozen=True, slots=True)
class Reach:
    """An x found by a fit. far: more than FAR times the largest x that was measured."""

    x: float
    far: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """Both fits to the same values. power: None where a value is not above 0. measured: the largest x."""

    line: Line
    power: Power | None
    best: Line | Power
    measured: float

    def reaches(self, y: float) -> Reach | None:
        """The x at which the better fit comes to y; None where it does not rise."""
        x = self.best.reaches(y)
        return None if x is None else Reach(x, x > FAR * self.measured)


def fit(x: Sequence[float], y: Sequence[float]) -> Fit | None:
    """The fits to y over x > 0; None for fewer than MIN_SIZES different x.

    The better one is the line, unless the exponent is away from 1 and the power law nearer to the values by the sum of
    their squared distances: a fixed part beside a proportional one alone makes an exponent under 1.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(np.unique(xs)) < MIN_SIZES:
        return None
    line = Line(*_straight(xs, ys))
    power = None
    if (ys > 0).all():
        offset, p, r2 = _straight(np.log(xs), np.log(ys))
        power = Power(float(np.exp(offset)), p, r2)
    return Fit(line, power, _better(line, power, xs, ys), float(xs.max()))


def _straight(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Offset, slope and R^2 of the least-squares line."""
    dx, dy = x - x.mean(), y - y.mean()
    if np.abs(dy).max() <= CONSTANT * np.abs(y).max():
        return float(y.mean()), 0.0, float("nan")
    slope = float((dx * dy).sum() / (dx * dx).sum())
    offset = float(y.mean() - slope * x.mean())
    return offset, slope, 1 - float(((dy - slope * dx) ** 2).sum() / (dy * dy).sum())


def _better(line: Line, power: Power | None, x: Floats, y: Floats) -> Line | Power:
    if power is None or abs(power.p - 1) <= NEAR_ONE:
        return line
    distances = [float(((found.at(x) - y) ** 2).sum()) for found in (line, power)]
    return power if distances[1] < distances[0] else line
