"""The statistics of times: against scipy, by what must not change them, and by coverage on known noise."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm, t, trim_mean, ttest_1samp, ttest_ind

from lic_bench.compare.statistics import (
    FLOOR,
    SLICES,
    Apart,
    Evidence,
    Floats,
    Paired,
    Series,
    floor,
    side_by_side,
    stratified_mann_whitney,
)

Runs = tuple[Series, Series]
SHIFT = np.log(1.2)
# Coarse, so that there are ties, and in steps of 1/64, so that a shift by such a step is exact.
steps = st.integers(-64, 64).map(lambda step: step / 64)


def arrays(least: int = 1, most: int = 40) -> st.SearchStrategy[Floats]:
    return st.lists(steps, min_size=least, max_size=most).map(np.asarray)


@st.composite
def series(draw: st.DrawFn, most: int = 30) -> Series:
    samples = draw(arrays(1, most))
    reference = draw(st.lists(steps, min_size=len(samples), max_size=len(samples)))
    return Series(samples, np.asarray(reference))


strata = st.lists(st.tuples(series(), series()), min_size=1, max_size=4)
starts = st.integers(1, 4).flatmap(lambda images: st.lists(arrays(images, images), min_size=1, max_size=6))
evidence = st.one_of(strata.map(Apart), starts.map(Paired))


def moved(one: Series, by: float) -> Series:
    return Series(one.samples + by, one.reference + by)


def swapped(found: Evidence) -> Evidence:
    if isinstance(found, Paired):
        return Paired([-differences for differences in found.starts])
    return Apart([(new, base) for base, new in found.strata])


def flat(*samples: float) -> Series:
    return Series(np.asarray(samples), np.zeros(len(samples)))


@given(arrays(), st.integers(1, 5))
@settings(deadline=None)
def test_the_floor_is_numpys_quantile(values: Floats, rows: int) -> None:
    assert floor(values) == pytest.approx(np.quantile(values, FLOOR), abs=1e-15)
    together = np.tile(values, (rows, 1)) + np.arange(rows)[:, None]
    assert floor(together) == pytest.approx(np.quantile(together, FLOOR, axis=1), abs=1e-12)


@given(arrays(), st.integers(1, 4), st.integers(1, 4), steps)
@settings(deadline=None)
def test_side_by_side_is_blind_to_what_both_meet(turns: Floats, of_base: int, of_new: int, by: float) -> None:
    """However slow each turn is for both, and however many samples either takes in one."""
    base, new = np.repeat(turns, of_base), np.repeat(turns + by, of_new)
    assert side_by_side(base, new) == pytest.approx(by, abs=1e-12)
    assert side_by_side(new, base) == pytest.approx(-by, abs=1e-12)


def test_side_by_side_is_the_median_of_the_differences_in_order() -> None:
    assert side_by_side(np.asarray([1.0, 2.0, 9.0]), np.asarray([1.5, 2.1, 0.0])) == pytest.approx(0.1)
    assert side_by_side(np.asarray([1.0, 2.0]), np.asarray([1.5, 2.5, 2.0])) == pytest.approx(0.5)


@given(arrays(2), arrays(2))
@settings(deadline=None)
def test_with_one_stratum_it_is_the_mann_whitney_test(base: Floats, new: Floats) -> None:
    found = stratified_mann_whitney([(base, new)])
    if np.ptp(np.concatenate([base, new])) == 0:
        assert found == 1.0
        return
    expected = mannwhitneyu(new, base, method="asymptotic", use_continuity=True).pvalue
    assert found == pytest.approx(float(expected), abs=1e-12)


def test_strata_of_other_sizes_weigh_by_van_elterens_formula() -> None:
    """Sum of U / (N + 1), of variance n m / (12 (N + 1)) where nothing ties; here with half a step taken off."""
    rng = np.random.default_rng(5)
    strata = [(rng.normal(size=n), rng.normal(0.7, size=m)) for n, m in ((3, 4), (20, 9), (5, 5))]
    distance, variance = 0.0, 0.0
    for base, new in strata:
        product, more = len(base) * len(new), len(base) + len(new) + 1
        distance += (mannwhitneyu(new, base).statistic - product / 2) / more
        variance += product / 12 / more
    z = (abs(distance) - 0.5 / (3 + 4 + 1)) / np.sqrt(variance)
    assert stratified_mann_whitney(strata) == pytest.approx(float(2 * norm.sf(z)), abs=1e-12)


def test_strata_add_up_and_do_not_mix() -> None:
    """Each stratum alone says little. One far above the other hides nothing, as ranks are within strata."""
    base, new = np.arange(5.0), np.arange(5.0) + 2.5
    one = stratified_mann_whitney([(base, new)])
    assert one > 0.05
    assert stratified_mann_whitney([(base + 1000 * k, new + 1000 * k) for k in range(4)]) < 0.01 < one


@given(st.lists(st.tuples(arrays(1, 12), arrays(1, 12)), min_size=1, max_size=5), st.randoms())
@settings(deadline=None)
def test_p_is_a_probability_whatever_the_order(found: list[tuple[Floats, Floats]], random: object) -> None:
    p = stratified_mann_whitney(found)
    assert 0 <= p <= 1
    assert stratified_mann_whitney(found[::-1]) == pytest.approx(p, abs=1e-12)
    assert stratified_mann_whitney([(new, base) for base, new in found]) == pytest.approx(p, abs=1e-12)


@given(strata, st.sampled_from([-0.5, 0.25, 1.0]))
@settings(max_examples=30, deadline=None)
def test_a_machine_that_is_slower_as_a_whole_changes_nothing(found: Sequence[Runs], by: float) -> None:
    """Also where BASE and NEW met it differently: each is divided by its own reference workload."""
    before, after = Apart(found), Apart([(moved(base, by), moved(new, -by)) for base, new in found])
    assert after.effect() == pytest.approx(before.effect(), abs=1e-12)
    assert after.noise() == pytest.approx(before.noise(), abs=1e-12)
    assert after.interval() == pytest.approx(before.interval(), abs=1e-12)
    assert after.p_value() == pytest.approx(before.p_value(), abs=1e-12)


def test_equal_levels_tie_however_slow_the_machine_is() -> None:
    base, new = flat(0.0, 0.5, *[0.0] * 7), Series(np.asarray([0.0, 0.5] + [0.0] * 7), np.asarray([0.0] * 8 + [1 / 64]))
    before, after = Apart([(base, new)]), Apart([(moved(base, -0.5), moved(new, 0.5))])
    assert after.p_value() == before.p_value()


@given(evidence)
@settings(max_examples=30, deadline=None)
def test_swapping_base_and_new_turns_the_sign(found: Evidence) -> None:
    other = swapped(found)
    assert other.effect() == pytest.approx(-found.effect(), abs=1e-12)
    assert other.noise() == pytest.approx(found.noise(), abs=1e-12)
    assert other.p_value() == pytest.approx(found.p_value(), abs=1e-12)
    low, high = found.interval()
    assert other.interval() == pytest.approx((-high, -low), abs=1e-12)


@given(evidence)
@settings(max_examples=30, deadline=None)
def test_the_order_of_images_and_starts_does_not_matter(found: Evidence) -> None:
    if isinstance(found, Paired):
        other: Evidence = Paired([start[::-1] for start in found.starts[::-1]])
    else:
        other = Apart(found.strata[::-1])
    assert (other.effect(), other.noise()) == pytest.approx((found.effect(), found.noise()), abs=1e-12)
    assert other.p_value() == pytest.approx(found.p_value(), abs=1e-12)


def test_the_interval_hardly_depends_on_the_order_of_the_images() -> None:
    """Its draws are other ones then."""
    rng = np.random.default_rng(3)
    found = Apart([(flat(*rng.normal(0, 0.02, 40)), flat(*rng.normal(k / 100, 0.02, 40))) for k in range(4)])
    low, high = found.interval()
    assert Apart(found.strata[::-1]).interval() == pytest.approx((low, high), abs=(high - low) / 5)


@given(starts.filter(lambda found: 1 < len(found) < 5))
@settings(max_examples=30, deadline=None)
def test_few_starts_are_the_observations_of_students_test(found: list[Floats]) -> None:
    each = [float(np.median(start)) for start in found]
    if np.ptp(each) == 0:
        return
    expected = ttest_1samp(each, 0.0)
    assert Paired(found).p_value() == pytest.approx(expected.pvalue, abs=1e-12)
    assert Paired(found).interval() == pytest.approx(tuple(expected.confidence_interval(0.95)), abs=1e-12)


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=24, unique=True))
@settings(max_examples=50, deadline=None)
def test_many_starts_are_those_of_yuens_test(each: list[float]) -> None:
    """scipy has it for two samples: of one and its mirror image the statistic is larger by the root of two."""
    found = Paired([np.asarray([start]) for start in each])
    assert found.effect() == pytest.approx(trim_mean(each, 0.2), abs=1e-12)
    statistic = ttest_ind(each, np.negative(each), equal_var=False, trim=0.2).statistic / np.sqrt(2)
    freedom = len(each) - 2 * int(0.2 * len(each)) - 1
    assert found.p_value() == pytest.approx(2 * t.sf(abs(statistic), freedom), rel=1e-6, abs=1e-12)
    low, high = found.interval(0.9)
    assert high - low == pytest.approx(2 * t.ppf(0.95, freedom) * found.effect() / statistic, rel=1e-6)


@pytest.mark.parametrize(("count", "wild"), [(6, 1), (9, 1), (12, 2), (15, 3)])
def test_wild_starts_hardly_move_the_interval(count: int, wild: int) -> None:
    rng = np.random.default_rng(2)
    calm = rng.normal(0, 0.005, count - wild)
    found = Paired([np.asarray([start]) for start in (*calm, *[0.3] * wild)])
    low, high = found.interval()
    assert -0.015 < low < 0 < high < 0.015
    assert ttest_1samp([*calm, *[0.3] * wild], 0.0).confidence_interval(0.95).high > 0.08


@given(evidence)
@settings(max_examples=30, deadline=None)
def test_every_number_is_one_and_the_same_each_time(found: Evidence) -> None:
    numbers = [found.effect(), found.noise(), *found.interval(), found.p_value()]
    assert not np.isnan(numbers).any()
    assert found.noise() >= 0
    assert 0 <= found.p_value() <= 1
    assert numbers == [found.effect(), found.noise(), *found.interval(), found.p_value()]


def test_a_known_ratio_is_the_effect() -> None:
    base, new = flat(*np.log([1.0, 1.1, 1.3])), flat(*np.log([1.08, 1.2, 1.4]))
    assert Apart([(base, moved(base, 0.3))]).effect() == pytest.approx(0)
    assert Apart([(base, Series(base.samples + SHIFT, base.reference))]).effect() == pytest.approx(SHIFT)
    assert Apart([(base, new)] * 3).effect() == pytest.approx(float(floor(new.samples) - floor(base.samples)))
    paired = Paired([np.asarray([0.1, 0.2, 9.0]), np.asarray([0.3, 0.4, 0.5])])
    assert paired.effect() == pytest.approx(0.3)
    assert paired.by_image() == pytest.approx([0.2, 0.3, 4.75])


@pytest.mark.parametrize("found", [Apart([(flat(1.0), flat(1.2))]), Paired([np.asarray([0.2])])], ids=["apart", "pair"])
def test_a_single_sample_says_nothing_of_its_error(found: Evidence) -> None:
    assert found.effect() == pytest.approx(0.2)
    assert found.noise() == 0
    assert found.interval() == (-np.inf, np.inf)
    assert found.p_value() == 1.0


def test_single_samples_of_many_images_do() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(0, 0.01, 24)
    found = Apart([(flat(a), flat(a + 0.1 + b)) for a, b in zip(base, rng.normal(0, 0.01, 24), strict=True)])
    low, high = found.interval()
    assert 0.08 < low < 0.1 < high < 0.12
    assert found.p_value() < 1e-4


@pytest.mark.parametrize("count", [1, 2, 5, 60])
def test_all_equal_is_no_effect(count: int) -> None:
    for found in (Apart([(flat(*[2.0] * count), flat(*[2.0] * count))] * 2), Paired([np.zeros(count)] * 2)):
        assert (found.effect(), found.noise(), found.interval(), found.p_value()) == (0, 0, (0, 0), 1.0)


def test_two_samples_of_each_have_an_interval_that_holds_them() -> None:
    found = Apart([(flat(0.0, 0.02), flat(0.1, 0.14))])
    low, high = found.interval()
    assert low == pytest.approx(0.08)
    assert high == pytest.approx(0.14)
    assert found.p_value() > 0.05


def test_slices_are_consecutive_and_whole() -> None:
    whole = Series(np.arange(21.0), np.arange(21.0) + 100)
    assert [len(part.samples) for part in whole.slices()] == [3, 3, 3, 3, 3, 2, 2, 2]
    assert np.concatenate([part.samples for part in whole.slices()]).tolist() == whole.samples.tolist()
    assert np.concatenate([part.reference for part in whole.slices()]).tolist() == whole.reference.tolist()
    assert len(flat(1.0, 2.0).slices()) == 2


def test_noise_of_starts_is_that_of_the_effect() -> None:
    """It falls with the root of their number; of runs apart it is that of a part."""
    rng = np.random.default_rng(0)
    few, many = (Paired([rng.normal(0, 0.02, 1) for _ in range(count)]) for count in (16, 1024))
    assert many.noise() == pytest.approx(0.6745 * 0.02 / np.sqrt(1024), rel=0.2)
    assert few.noise() > 4 * many.noise()
    alone = flat(*rng.normal(0, 0.02, 16))
    levels = [part.level for part in alone.slices()]
    assert Apart([(alone, alone)]).noise() == pytest.approx(float(np.median(np.abs(levels - np.median(levels)))))


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("kind", ["apart", "paired"])
def test_the_interval_covers_the_truth(kind: str, images: int) -> None:
    """Of 200 comparisons 92 % or more; few slices and their floor cost a little where there is one image."""
    rng = np.random.default_rng(7)

    def drawn(shift: float) -> Series:
        return Series(shift + rng.exponential(0.01, 40), rng.exponential(0.005, 40))

    covered, width = 0, []
    for _ in range(200):
        if kind == "apart":
            low, high = Apart([(drawn(0.0), drawn(0.05)) for _ in range(images)]).interval()
        else:
            low, high = Paired([0.05 + rng.normal(0, 0.01, images) for _ in range(6)]).interval()
        covered += low <= 0.05 <= high
        width.append(high - low)
    assert covered >= (180 if images == 1 else 184)
    assert np.median(width) < 0.03


def test_the_test_of_two_like_runs_is_rarely_significant() -> None:
    rng = np.random.default_rng(11)
    p = [Apart([(flat(*rng.exponential(0.01, 40)), flat(*rng.exponential(0.01, 40)))]).p_value() for _ in range(200)]
    assert np.mean(np.asarray(p) <= 0.05) < 0.09
    q = [Paired([rng.laplace(0, 0.02, 1) for _ in range(4)]).p_value() for _ in range(200)]
    assert np.mean(np.asarray(q) <= 0.05) < 0.09


def test_no_more_slices_than_samples() -> None:
    assert len(flat(*range(5)).slices()) == 5
    assert len(flat(*range(100)).slices()) == SLICES
