"""Front, budgets and hyper-volume, by hand and against their definitions."""

from itertools import pairwise
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.rate_distortion.trade_offs import Point, best_within, hypervolume, pareto_front

points = st.lists(st.tuples(st.floats(0.001, 10), st.integers(-20, 20).map(float)), min_size=1, max_size=9)
CODECS = [(0.5, -10.0), (0.01, 5.0), (0.1, -4.0), (0.2, -4.0), (5.0, -9.0)]


def test_by_hand() -> None:
    assert pareto_front(CODECS) == [1, 2, 0]
    assert [best_within(CODECS, budget) for budget in (0.001, 0.01, 0.1, 0.4, 100)] == [None, 1, 2, 2, 0]
    assert hypervolume(CODECS, 0.1) == 0
    assert hypervolume(CODECS, 1.0) == pytest.approx(4 * log10(5) + 10 * log10(2))


@given(points)
def test_on_the_front_is_who_is_beaten_by_none(drawn: list[Point]) -> None:
    front = pareto_front(drawn)
    for place, (seconds, bd) in enumerate(drawn):
        beaten = any(s <= seconds and b <= bd and (s, b) != (seconds, bd) for s, b in drawn)
        assert ((seconds, bd) in {drawn[i] for i in front}) is not beaten
        assert place not in front or not beaten


@given(points, st.floats(0.001, 20))
def test_the_best_within_a_budget_is_the_lowest_that_keeps_it(drawn: list[Point], budget: float) -> None:
    best = best_within(drawn, budget)
    kept = [(bd, seconds) for seconds, bd in drawn if seconds <= budget]
    assert (None if best is None else drawn[best][::-1]) == min(kept, default=None)


@given(points, st.floats(0.001, 20))
def test_the_hypervolume_is_the_area_of_what_can_be_saved(drawn: list[Point], budget: float) -> None:
    times = sorted({seconds for seconds, _ in drawn if seconds <= budget} | {budget})
    saved = [max(0.0, -drawn[best][1]) if (best := best_within(drawn, t)) is not None else 0.0 for t in times]
    parts = [value * log10(end / start) for value, (start, end) in zip(saved, pairwise(times), strict=False)]
    assert hypervolume(drawn, budget) == pytest.approx(sum(parts))
