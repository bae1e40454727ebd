"""The fits on values whose law is known, on cases solved by hand, and under a change of units."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lic_bench.rate_distortion.growth_fits import Line, Parabola, Power, fit

SIZES = st.lists(st.integers(16, 4096), min_size=3, max_size=9, unique=True).map(
    lambda sides: np.array([side * side / 1e6 for side in sorted(sides)])
)
POSITIVE = st.floats(1e-3, 1e6)
MP = np.array([256.0, 512.0, 1024.0, 2048.0]) ** 2 / 1e6
GIB80 = 80 * 2**30 / 1e6  # in MB


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
def test_a_power_law_is_recovered(x: np.ndarray, c: float, p: float) -> None:
    found = fit(x, c * x**p)
    assert found is not None
    assert found.power is not None
    assert found.power.c == relative(c)
    assert found.power.p == relative(p)
    assert found.power.r2 == pytest.approx(1.0)


@given(c=POSITIVE, p=st.floats(0.2, 0.6) | st.floats(1.4, 3.0))
def test_a_power_law_is_preferred(c: float, p: float) -> None:
    found = fit(MP, c * MP**p)
    assert found is not None
    assert isinstance(found.best, Power)
    assert found.faster == (p > 1)
    assert found.best.reaches(c * (2 * MP.max()) ** p) == relative(2 * MP.max())


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
    found = fit([1, 2, 3], [1, 1, 2])
    assert found is not None
    # squared weights 1, 1, 1/4: means 5/3 and 10/9; weighted sums of dx dy, dx dx, dy dy: 1/3, 1, 2/9; left over: 1/9
    assert (found.line.a, found.line.b) == (pytest.approx(5 / 9), pytest.approx(1 / 3))
    assert found.line.r2 == pytest.approx(1 / 2)
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
    reach = found.best.reaches(24_000)
    assert reach is not None
    assert reach == pytest.approx((24_000 - weights) / per_mp)


def test_what_is_larger_from_the_start_reaches_nothing() -> None:
    found = fit([1, 2, 3], [110, 120, 130])
    assert found is not None
    reach = found.best.reaches(50)
    assert reach is not None
    assert reach == 0.0


@pytest.mark.parametrize("y", [[5, 5, 5], [0, 0, 0], [9, 8, 7]])
def test_what_does_not_grow_reaches_no_bound(y: list[float]) -> None:
    found = fit([1, 2, 3], y)
    assert found is not None
    assert found.best.reaches(1e9) is None


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


def squared(x: np.ndarray) -> np.ndarray:
    """MB of a codec with 150 MB of weights, whose attention is over all pixels."""
    return 150 + 400 * x + 200 * x**2


@pytest.mark.parametrize("fixed", [0.0, 150.0])
def test_memory_that_grows_faster_than_the_pixels_is_seen_and_predicted(fixed: float) -> None:
    found = fit(MP, squared(MP), fixed)
    assert found is not None
    assert isinstance(found.best, Parabola)
    assert (found.best.a, found.best.b, found.best.c) == (relative(150), relative(400), relative(200))
    assert (found.faster, found.doubtful) == (True, False)
    reach = found.best.reaches(GIB80)
    assert reach is not None
    assert reach == pytest.approx(19.73, abs=0.01)
    assert squared(np.array(reach)) == relative(GIB80)


def test_three_sizes_do_not_show_how_much_faster_but_that_it_may_be() -> None:
    found = fit(MP[:3], squared(MP[:3]), 150)
    assert found is not None
    assert (found.faster, found.doubtful) == (False, True)
    reach = found.best.reaches(GIB80)
    assert reach is not None
    assert reach > 19.73


@pytest.mark.parametrize("sizes", [3, 4, 6])
@pytest.mark.parametrize("fixed", [0.0, 150.0])
def test_noise_on_a_line_is_no_growth_faster_than_the_pixels(sizes: int, fixed: float) -> None:
    x = (256 * 2 ** np.arange(sizes)) ** 2 / 1e6
    draws = np.random.default_rng(1).standard_normal((500, sizes))
    found = [fit(x, (fixed + 400 * x) * (1 + 0.03 * draw), fixed) for draw in draws]
    claims = [one for one in found if one is None or one.faster or one.doubtful]
    assert len(claims) <= 0.01 * len(draws)
    slopes = [one.line.b for one in found if one is not None]
    assert np.mean(slopes) == pytest.approx(400, rel=0.01)


def test_the_exponent_is_that_of_the_growth_beside_the_weights() -> None:
    y = 260 + 1300 * MP**1.5
    known, unknown = fit(MP, y, 260), fit(MP, y)
    assert known is not None
    assert unknown is not None
    assert known.power is not None
    assert unknown.power is not None
    assert (known.power.c, known.power.p) == (relative(1300), relative(1.5))
    assert known.best is known.power
    assert known.best.reaches(260 + 1300 * 8) == pytest.approx(4)
    assert known.best.reaches(100) == 0
    assert unknown.power.p < 1.4


def test_distances_are_relative_to_the_value() -> None:
    found = fit(MP, (100 + 10 * MP) * np.array([1, 1, 1, 1.03]))
    assert found is not None
    assert found.line.a == pytest.approx(100, rel=0.01)


@given(a=st.floats(0, 1e3), b=st.floats(0, 1e3), c=st.floats(1e-3, 1e3), y=st.floats(0, 1e6))
@example(a=0.0, b=0.0, c=0.125, y=5e-324)
@example(a=0.0, b=5e-324, c=0.125, y=5e-324)
def test_a_parabola_reaches_what_it_comes_to(a: float, b: float, c: float, y: float) -> None:
    curve = Parabola(a, b, c)
    x = curve.reaches(y)
    assert x is not None
    assert x >= 0
    assert float(curve.at(np.array(x))) == pytest.approx(max(a, y), rel=1e-6)


def test_a_level_parabola_reaches_nothing() -> None:
    assert Parabola(5, 0, 0).reaches(6) is None
    assert Parabola(5, 2, 0).reaches(6) == 0.5
    assert Parabola(5, 0, 1).reaches(4) == 0
