"""The fits on values whose law is known, on cases solved by hand, and under a change of units."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.fits import FAR, Line, Power, fit

SIZES = st.lists(st.integers(16, 4096), min_size=3, max_size=9, unique=True).map(
    lambda sides: np.array([side * side / 1e6 for side in sorted(sides)])
)
POSITIVE = st.floats(1e-3, 1e6)


def relative(value: float) -> object:
    return pytest.approx(value, rel=1e-6)


@given(x=SIZES, a=POSITIVE, b=POSITIVE)
def test_a_line_is_recovered(x: np.ndarray, a: float, b: float) -> None:
    found = fit(x, a + b * x)
    assert found is not None
    scale = a + b * x.max()
    assert found.line.a == pytest.approx(a, abs=1e-6 * scale)
    assert found.line.b * np.ptp(x) == pytest.approx(b * np.ptp(x), abs=1e-6 * scale)
    assert found.power is not None
    assert -1e-6 <= found.power.p <= 1 + 1e-6  # a fixed part beside a proportional one


@given(x=SIZES, c=POSITIVE, p=st.floats(0.2, 3.0))
def test_a_power_law_is_recovered_and_preferred(x: np.ndarray, c: float, p: float) -> None:
    found = fit(x, c * x**p)
    assert found is not None
    assert found.power is not None
    assert found.power.c == relative(c)
    assert found.power.p == relative(p)
    assert found.power.r2 == pytest.approx(1.0)
    y = c * (2 * x.max()) ** p
    if abs(p - 1) > 0.1:
        assert isinstance(found.best, Power)
        assert found.best.reaches(y) == relative(2 * x.max())


@given(x=SIZES, noise=st.integers(0, 1000), k=st.floats(1e-3, 1e3), m=st.floats(1e-3, 1e3))
def test_other_units_change_the_numbers_and_not_the_finding(x: np.ndarray, noise: int, k: float, m: float) -> None:
    y = (3 + 7 * x) * np.random.default_rng(noise).uniform(0.8, 1.2, len(x))
    one, other = fit(x, y), fit(m * x, k * y)
    assert one is not None
    assert other is not None
    assert one.power is not None
    assert other.power is not None
    scale = np.abs(y).max()
    assert other.line.a / k == pytest.approx(one.line.a, abs=1e-8 * scale)
    assert other.line.b * m / k == pytest.approx(one.line.b, abs=1e-8 * scale / np.ptp(x))
    assert (other.line.r2, other.power.r2) == (pytest.approx(one.line.r2), pytest.approx(one.power.r2, abs=1e-9))
    assert other.power.p == pytest.approx(one.power.p, abs=1e-9)
    assert type(other.best) is type(one.best)


def test_by_hand() -> None:
    found = fit([1, 2, 3], [1, 2, 4])
    assert found is not None
    assert (found.line.a, found.line.b) == (pytest.approx(-2 / 3), pytest.approx(1.5))
    assert found.line.r2 == pytest.approx(27 / 28)  # residuals 1/6, -1/3, 1/6 of a variance of 14/3
    squares = fit([1, 2, 4], [3, 12, 48])
    assert squares is not None
    assert isinstance(squares.best, Power)
    assert (squares.best.c, squares.best.p) == (pytest.approx(3), pytest.approx(2))
    assert squares.best.reaches(300) == pytest.approx(10)


def test_a_fixed_part_does_not_make_it_a_power_law() -> None:
    weights, per_mp = 260.0, 1300.0
    x = np.array([0.065536, 0.262144, 1.048576, 4.194304])
    found = fit(x, weights + per_mp * x)
    assert found is not None
    assert found.power is not None
    assert found.power.p < 0.8
    assert isinstance(found.best, Line)
    reach = found.reaches(24_000)
    assert reach is not None
    assert reach.x == pytest.approx((24_000 - weights) / per_mp)


def test_what_is_far_beyond_the_measured_sizes_says_so() -> None:
    found = fit([1, 2, 4], [10, 20, 40])
    assert found is not None
    for y, far in ((39, False), (10 * FAR * 4 - 1, False), (10 * FAR * 4 + 1, True)):
        reach = found.reaches(y)
        assert reach is not None
        assert (reach.x, reach.far) == (pytest.approx(y / 10), far)


def test_what_is_larger_from_the_start_reaches_nothing() -> None:
    found = fit([1, 2, 3], [110, 120, 130])
    assert found is not None
    reach = found.reaches(50)
    assert reach is not None
    assert reach.x == 0.0


@pytest.mark.parametrize("y", [[5, 5, 5], [0, 0, 0], [9, 8, 7]])
def test_what_does_not_grow_reaches_no_bound(y: list[float]) -> None:
    found = fit([1, 2, 3], y)
    assert found is not None
    assert found.reaches(1e9) is None


def test_a_constant_has_no_r2_and_zero_no_logarithm() -> None:
    constant, zero = fit([1, 2, 3], [5, 5, 5]), fit([1, 2, 3], [0, 1, 2])
    assert constant is not None
    assert math.isnan(constant.line.r2)
    assert constant.power is not None
    assert constant.power.p == 0
    assert zero is not None
    assert zero.power is None
    assert isinstance(zero.best, Line)


@pytest.mark.parametrize("x", [[], [1], [1, 2], [1, 1, 2, 2]])
def test_fewer_than_three_sizes_have_no_fit(x: list[float]) -> None:
    assert fit(x, [2 * value for value in x]) is None
