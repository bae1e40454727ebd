"""The step detector against an oracle, against known steps, and under what must not matter."""

import math

import numpy as np
import pytest
import ruptures
from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.history.level_shifts import (
    LEAST,
    find_changes,
    find_steps,
    inflation,
    levels,
    noise,
    partition,
    without_outliers,
)

SERIES = st.lists(st.integers(-50, 50).map(float), min_size=2, max_size=60).map(np.asarray)


def staircase(seed: int, points: int = 60) -> np.ndarray:
    """Noise of 1 around levels that are up to 8 apart."""
    random = np.random.default_rng(seed)
    starts = np.sort(random.choice(np.arange(4, points - 4), 3, replace=False))
    return random.standard_normal(points) + np.repeat(random.uniform(-8, 8, 4), np.diff([0, *starts, points]))


def wandering(seed: int, points: int, correlation: float, sigma: float = 1.0) -> np.ndarray:
    """First-order autoregressive noise, in its stationary state."""
    values = np.random.default_rng(seed).standard_normal(points)
    values[1:] *= math.sqrt(1 - correlation**2)
    for place in range(1, points):
        values[place] += correlation * values[place - 1]
    return sigma * values


def stepped(seed: int, points: int, at: int, height: float, sigma: float) -> np.ndarray:
    """1 + height from the point `at` on, with Gaussian noise."""
    random = np.random.default_rng(seed)
    return 1 + height * (np.arange(points) >= at) + sigma * random.standard_normal(points)


def cost(values: np.ndarray, starts: list[int]) -> float:
    return sum(float(np.sum((part - part.mean()) ** 2)) for part in np.split(values, starts))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("least", [1, 2, 3])
def test_partition_is_what_ruptures_finds(seed: int, least: int) -> None:
    values, penalty = staircase(seed), 3 * math.log(60)
    found = partition(values, penalty, least)
    pruned = ruptures.Pelt(model="l2", min_size=least, jump=1).fit(values).predict(pen=penalty)
    assert found == pruned[:-1]
    exact = ruptures.Dynp(model="l2", min_size=least, jump=1).fit(values).predict(n_bkps=len(found))
    assert found == exact[:-1]


@settings(max_examples=60, deadline=None)
@given(values=SERIES, penalty=st.floats(0.5, 500), least=st.integers(1, 4))
def test_partition_is_never_dearer_than_that_of_ruptures(values: np.ndarray, penalty: float, least: int) -> None:
    found = partition(values, penalty, least)
    assert all(len(part) >= least for part in np.split(values, found)) or not found
    if len(values) < 2 * least:
        assert found == []
        return
    theirs = ruptures.Pelt(model="l2", min_size=least, jump=1).fit(values).predict(pen=penalty)[:-1]
    ours, oracle = (cost(values, starts) + penalty * len(starts) for starts in (found, theirs))
    assert ours <= oracle + 1e-6 * max(1.0, oracle)


@pytest.mark.parametrize("at", [50, 10, 95])
def test_a_step_of_five_percent_in_noise_of_one_is_found_within_a_point(at: int) -> None:
    found = [find_steps(stepped(seed, 100, at, 0.05, 0.01)) for seed in range(200)]
    assert sum(len(starts) == 1 and abs(starts[0] - at) <= 1 for starts in found) >= 190


@pytest.mark.parametrize("points", [6, 8, 12, 30, 100])
@pytest.mark.parametrize("kind", ["standard_normal", "laplace"])
def test_noise_alone_has_no_steps(points: int, kind: str) -> None:
    random = np.random.default_rng(points)
    series = [getattr(random, kind)(size=points) for _ in range(400)]
    assert sum(bool(find_steps(values)) for values in series) <= 0.05 * len(series)


@pytest.mark.parametrize(("correlation", "most"), [(0.3, 0.03), (0.5, 0.03), (0.7, 0.06), (0.9, 0.15)])
def test_correlated_noise_seldom_has_steps(correlation: float, most: float) -> None:
    series = [wandering(seed, 60, correlation, 0.02) for seed in range(300)]
    assert sum(bool(find_steps(values, floor=math.log(1.03))) for values in series) <= most * len(series)


def test_a_random_walk_seldom_has_steps() -> None:
    walks = [np.cumsum(0.004 * np.random.default_rng(seed).standard_normal(60)) for seed in range(300)]
    assert sum(bool(find_steps(walk, floor=math.log(1.03))) for walk in walks) <= 0.12 * len(walks)


@pytest.mark.parametrize(("correlation", "sigma", "height"), [(0.5, 0.01, 0.05), (0.7, 0.02, 0.1)])
def test_a_step_in_correlated_noise_is_found(correlation: float, sigma: float, height: float) -> None:
    after = height * (np.arange(100) >= 50)
    found = [find_steps(after + wandering(seed, 100, correlation, sigma), floor=math.log(1.03)) for seed in range(100)]
    assert sum(len(starts) == 1 and abs(starts[0] - 50) <= 3 for starts in found) >= 90


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_inflation_is_what_correlation_adds_to_the_scatter_of_means(correlation: float) -> None:
    means = [np.mean(wandering(seed, 400, correlation)) for seed in range(400)]
    found = np.median([inflation(wandering(seed, 400, correlation), [], 1.0) for seed in range(40)])
    assert found == pytest.approx(np.std(means) * math.sqrt(400), rel=0.15)


def test_inflation_is_never_below_one() -> None:
    assert inflation(np.array([1.0, -1.0] * 10), [], 1.0) == 1.0
    assert inflation(np.array([1.0, 1.0, 2.0, 2.0]), [2], 1.0) == 1.0
    assert inflation(np.array([1.0, 2.0]), [1], 1.0) == 1.0


@pytest.mark.parametrize("at", [0, 1, 20, 38, 39])
@pytest.mark.parametrize("height", [0.05, 0.5, 50.0])
def test_one_bad_point_is_no_step(at: int, height: float) -> None:
    values = stepped(1, 40, 40, 0.0, 0.01)
    values[at] += height
    assert find_steps(values) == []


@pytest.mark.parametrize("at", [1, 15, 38])
def test_fewer_bad_points_than_a_level_has_are_no_step(at: int) -> None:
    values = stepped(2, 40, 40, 0.0, 0.01)
    values[at : at + LEAST - 1] += 1.0
    assert find_steps(values) == []


def test_a_level_at_the_end_is_found_as_soon_as_it_has_the_least_points() -> None:
    values = stepped(3, 40, 40 - LEAST, 0.2, 0.01)
    assert find_steps(values) == [40 - LEAST]
    assert find_steps(values[:-1]) == []


def test_an_outlier_beside_a_step_moves_it_by_two_points_at_most() -> None:
    for seed in range(50):
        values = stepped(seed, 60, 30, 0.1, 0.01)
        values[31] = 2.0
        (start,) = find_steps(values)
        assert abs(start - 30) <= 2


def test_stairs_are_all_found() -> None:
    values = stepped(5, 80, 20, 0.1, 0.01) + 0.1 * (np.arange(80) >= 50) - 0.3 * (np.arange(80) >= 70)
    assert find_steps(values) == [20, 50, 70]


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10_000), power=st.integers(-30, 30), shift=st.integers(-64, 64))
def test_scale_shift_sign_and_direction_do_not_matter(seed: int, power: int, shift: int) -> None:
    values = np.round(staircase(seed) * 2**20) / 2**20  # exact under what follows
    found = find_steps(values)
    assert find_steps(values * 2.0**power) == found
    assert find_steps(values + shift) == found
    assert find_steps(-values) == found
    assert find_steps(values[::-1]) == [len(values) - start for start in reversed(found)]


def test_what_is_constant_or_too_short_has_no_steps() -> None:
    assert find_steps([]) == []
    assert find_steps([3.0] * 50) == []
    assert find_steps([1.0, 1.0, 9.0, 9.0, 9.0]) == []


def test_a_step_between_constants_is_found() -> None:
    assert find_steps([1.0] * 4 + [1.001] * 4) == [4]


def test_the_floor_takes_small_steps_away_and_their_levels_become_one() -> None:
    values = stepped(7, 90, 30, 0.04, 0.002) + 0.5 * (np.arange(90) >= 60)
    assert find_steps(values) == [30, 60]
    assert find_steps(values, floor=0.1) == [60]
    assert find_steps(values, floor=0.6) == []


def test_small_steps_one_way_add_up_to_one_beyond_the_floor() -> None:
    values = stepped(8, 90, 30, 0.04, 0.002) + 0.04 * (np.arange(90) >= 60)
    (start,) = find_steps(values, floor=0.05)
    assert start in (30, 60)


def test_levels_are_medians_between_the_starts() -> None:
    assert levels([1, 1, 9, 5, 5], [3]) == [(0, 3, 1.0), (3, 5, 5.0)]
    assert levels([2.0], []) == [(0, 1, 2.0)]


def test_noise_is_the_standard_deviation_whatever_the_levels() -> None:
    found = [noise(staircase(seed, 400)) for seed in range(30)]
    assert np.mean(found) == pytest.approx(1.0, abs=0.05)
    assert noise(np.ones(9)) == 0.0


def test_outliers_become_medians_and_levels_stay() -> None:
    values = np.array([0.0, 0, 9, 0, 0, 0, 5, 5, 5, 0, 0, 0])
    assert without_outliers(values, 0.1).tolist() == [0, 0, 0, 0, 0, 0, 5, 5, 5, 0, 0, 0]


@given(values=st.lists(st.sampled_from(["a", "b", 1.0, 2.0]), max_size=30))
def test_changes_are_where_neighbours_differ(values: list[object]) -> None:
    assert find_changes(values) == [i for i in range(1, len(values)) if values[i] != values[i - 1]]


def test_changes_within_a_tolerance_are_none_until_they_add_up() -> None:
    assert find_changes([1.0, 1.1, 1.2, 1.3, 1.4], within=0.25) == [3]
