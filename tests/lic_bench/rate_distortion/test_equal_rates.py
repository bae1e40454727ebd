"""Values between a curve's points: in closed form where it is straight, and by laws where it is not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from lic_bench.errors import UserError
from lic_bench.rate_distortion.bd_rate import Floats, RDCurve, bd_rate, log_rate, monotone
from lic_bench.rate_distortion.equal_rates import Curves, geometric_mean, nearest_sizes

STRAIGHT = RDCurve("straight", [0.1, 0.2, 0.4, 0.8], [28.0, 30.0, 32.0, 34.0])  # the rate doubles every 2 dB

steps = st.floats(0.05, 3.0)
sizes = st.lists(st.integers(1, 10**6), min_size=1, max_size=8)


def rate_at(curve: RDCurve, quality: ArrayLike) -> Floats:
    """The rates of one curve."""
    return Curves.through(curve.rate[None], curve.quality[None]).rates_at(
        np.atleast_1d(np.asarray(quality, float))[None]
    )[0]


def quality_at(curve: RDCurve, rate: float) -> float:
    """The quality of one curve."""
    return float(Curves.through(curve.rate[None], curve.quality[None]).qualities_at(rate)[0])


@st.composite
def curves(draw: st.DrawFn) -> RDCurve:
    n = draw(st.integers(2, 9))
    rate = 0.1 * np.exp(np.cumsum(draw(st.lists(steps, min_size=n, max_size=n))))
    return RDCurve("drawn", rate, 28 + np.cumsum(draw(st.lists(steps, min_size=n, max_size=n))))


def test_a_straight_line_of_log_rate_in_closed_form() -> None:
    assert rate_at(STRAIGHT, [28, 29, 31.5, 34]) == pytest.approx([0.1, 0.1 * 2**0.5, 0.1 * 2**1.75, 0.8])
    assert quality_at(STRAIGHT, 0.15) == pytest.approx(28 + 2 * math.log2(1.5))
    assert quality_at(STRAIGHT, 0.3) == pytest.approx(28 + 2 * math.log2(3))


def test_nothing_beyond_the_ends() -> None:
    assert np.isnan(rate_at(STRAIGHT, [27.999, 34.001])).all()
    assert math.isnan(quality_at(STRAIGHT, 0.0999))
    assert math.isnan(quality_at(STRAIGHT, 0.8001))


@given(curves(), st.floats(0, 1))
def test_each_is_the_inverse_of_the_other(curve: RDCurve, share: float) -> None:
    rate = float(np.exp(np.interp(share, [0, 1], np.log(curve.rate[[0, -1]]))).clip(curve.rate[0], curve.rate[-1]))
    assert float(rate_at(curve, quality_at(curve, rate))[0]) == pytest.approx(rate, rel=1e-9)


@given(curves())
def test_the_curve_goes_through_its_points_and_rises(curve: RDCurve) -> None:
    assert rate_at(curve, curve.quality) == pytest.approx(curve.rate)
    assert [quality_at(curve, rate) for rate in curve.rate] == pytest.approx(list(curve.quality), rel=1e-6)
    rates = rate_at(curve, np.linspace(curve.quality[0], curve.quality[-1], 50))
    assert (np.diff(rates) >= -1e-12 * rates[:-1]).all()


@given(curves(), st.floats(0.2, 5))
def test_a_constant_size_ratio_is_the_bd_rate(curve: RDCurve, ratio: float) -> None:
    other = RDCurve("other", curve.rate * ratio, curve.quality)
    ratios = rate_at(other, curve.quality) / curve.rate
    assert 100 * (geometric_mean(ratios) - 1) == pytest.approx(bd_rate(curve, other).value, abs=1e-6)


@given(sizes, sizes)
def test_no_other_size_is_nearer(wanted: list[int], others: list[int]) -> None:
    (places,) = nearest_sizes(np.array([wanted], float), np.array([others], float))
    for size, place in zip(wanted, places, strict=True):
        distances = [abs(math.log(other / size)) for other in others]
        assert distances[place] == pytest.approx(min(distances))


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=9), st.integers(0, 2))
def test_many_curves_are_as_each_alone_by_scipy(points: list[tuple[int, int]], missing: int) -> None:
    """Rates and qualities in small steps, so that some are equal and some turn back."""
    rate, quality = (np.array([*values, *[np.nan] * missing]) for values in zip(*points, strict=True))
    rate, quality = np.stack([rate, STRAIGHT.rate[np.arange(len(rate)) % 4]]), np.stack([quality, quality])
    wanted = np.linspace(0.5, 9.5, 37)
    found = Curves.through(rate, quality).rates_at(np.stack([wanted, wanted]))
    try:
        curve, _ = monotone("alone", rate[0, : len(points)], quality[0, : len(points)])
    except UserError:
        assert np.isnan(found[0]).all()
        return
    within = (wanted >= curve.quality[0]) & (wanted <= curve.quality[-1])
    assert (np.isfinite(found[0]) == within).all()
    assert found[0, within] == pytest.approx(np.exp(log_rate(curve)(wanted[within])), rel=1e-12)


def test_the_geometric_mean_of_a_ratio_and_its_inverse_is_one() -> None:
    assert geometric_mean([4, 0.25]) == 1
    assert geometric_mean([2, 8]) == pytest.approx(4)
    assert math.isnan(geometric_mean([]))
