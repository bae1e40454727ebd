"""Many BD-rates at once are what `bd_rate` says of each pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.rate_distortion.bd_rate import RDCurve, bd_rate, monotone
from lic_bench.rate_distortion.many_curves import Curves, bd_rates

steps = st.floats(0.05, 3.0)


@st.composite
def several(draw: st.DrawFn, k: int) -> Curves:
    """k rising curves of one number of points that begin near 0.1 bpp and 30 dB, so that most overlap."""
    n = draw(st.integers(2, 7))
    rises = st.lists(st.lists(steps, min_size=n, max_size=n), min_size=k, max_size=k)
    rate, quality = (np.cumsum(draw(rises), axis=1) for _ in range(2))
    return Curves(0.1 * np.exp(rate), 28 + quality)


@given(several(3), several(3), st.none() | st.just((30.0, 31.0)))
def test_each_is_what_bd_rate_says(anchors: Curves, tests: Curves, window: tuple[float, float] | None) -> None:
    for place, value in enumerate(bd_rates(anchors, tests, window)):
        a, t = (RDCurve("drawn", c.rate[place], c.quality[place]) for c in (anchors, tests))
        ends = window or (-np.inf, np.inf)
        low, high = max(a.quality[0], t.quality[0], ends[0]), min(a.quality[-1], t.quality[-1], ends[1])
        if low >= high:
            assert np.isnan(value)
        else:
            exact = bd_rate(a, t, window=(low, high)).value
            assert np.log1p(value / 100) == pytest.approx(np.log1p(exact / 100), rel=1e-6, abs=1e-6)


def test_of_a_curve_that_does_not_rise_the_monotone_one() -> None:
    rate, quality = np.array([[0.1, 0.2, 0.3, 0.4]] * 2), np.array([[30.0, 32, 31, 33], [30, 31, 32, 33]])
    anchors = Curves(rate * 2, np.array([[29.0, 31, 32, 34]] * 2))
    values = bd_rates(anchors, Curves(rate, quality))
    anchor = RDCurve("a", anchors.rate[0], anchors.quality[0])
    assert values[0] == bd_rate(anchor, monotone("t", rate[0], quality[0])[0]).value
    assert values[1] == pytest.approx(bd_rate(anchor, RDCurve("t", rate[1], quality[1])).value)


def test_a_curve_without_two_points_has_none() -> None:
    flat = Curves(np.array([[0.1, 0.2]]), np.array([[30.0, 30.0]]))
    assert np.isnan(bd_rates(flat, flat)).all()
