"""Values between a curve's points: in closed form where it is straight, and by laws where it is not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.rate_distortion.bd_rate import RDCurve, bd_rate
from lic_bench.rate_distortion.equal_rates import geometric_mean, nearest_sizes, quality_at, rate_at

STRAIGHT = RDCurve("straight", [0.1, 0.2, 0.4, 0.8], [28.0, 30.0, 32.0, 34.0])  # the rate doubles every 2 dB

steps = st.floats(0.05, 3.0)
sizes = st.lists(st.integers(1, 10**6), min_size=1, max_size=8)


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
    assert float(rate_at(curve, quality_at(curve, rate))) == pytest.approx(rate, rel=1e-9)


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
    for size, place in zip(wanted, nearest_sizes(wanted, others), strict=True):
        distances = [abs(math.log(other / size)) for other in others]
        assert distances[place] == pytest.approx(min(distances))


def test_the_geometric_mean_of_a_ratio_and_its_inverse_is_one() -> None:
    assert geometric_mean([4, 0.25]) == 1
    assert geometric_mean([2, 8]) == pytest.approx(4)
    assert math.isnan(geometric_mean([]))
