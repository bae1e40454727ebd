"""The statistics of times: effect, noise, interval and test of two series.

All values are logarithms, so that differences are ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

FLOOR = 0.1  # the quantile that stands for a series: few samples are disturbed less
SLICES = 8  # consecutive parts of a series, by whose agreement its noise is known
TRIMMED = 0.2  # of starts at either end, as a few are far off: none of three, one of six, two of twelve
RESAMPLES, SEED = 400, 0  # of bootstraps


@dataclass(frozen=True, slots=True)
class Series:
    """One image's samples of one run, in order, and the reference workload's beside each; logarithms."""

    samples: Floats
    reference: Floats

    @property
    def level(self) -> float:
        """The floor of the samples over that of the reference workload."""
        return float(floor(self.samples) - floor(self.reference))

    def slices(self) -> list[Series]:
        """The series in SLICES consecutive parts, or as many as it has samples."""
        parts = np.array_split(np.arange(len(self.samples)), min(SLICES, len(self.samples)))
        return [Series(self.samples[part], self.reference[part]) for part in parts]

    def slice_levels(self) -> Floats:
        """The level of each slice, rounded, as the last digits would tell equal ones apart."""
        return np.round([part.level for part in self.slices()], 12)


@dataclass(frozen=True, slots=True)
class Apart:
    """Two runs made one after the other. strata: per image the series of BASE and of NEW.

    On a shared machine noise only adds time, in slow phases that may last longer than a run: so the fast ends of
    samples and reference workload are compared (Chen and Revels 2016, "Robust benchmarking in noisy environments", with
    the minimum). Neighbouring samples are alike: noise is how far the floors of consecutive slices disagree (Schmeiser
    1982, "Batch size effects in the analysis of simulation output", with means).
    """

    strata: Sequence[tuple[Series, Series]]

    def effect(self) -> float:
        """The median over the images of the difference of levels, new - base."""
        return float(np.median(self.by_image()))

    def by_image(self) -> list[float]:
        """The difference of levels of each image."""
        return [new.level - base.level for base, new in self.strata]

    def noise(self) -> float:
        """The median absolute deviation of the slices' levels from the median of their series, all pooled.

        It does not shrink with the number of slices, as with Paired: no slice tells how the machine was in one run and
        not in the other.
        """
        return _spread([series.slice_levels() for stratum in self.strata for series in stratum])

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The bootstrap interval of the effect by percentiles: images are drawn, and slices within each series.

        Infinite if the only image has a single sample. Each draw counts for both runs: with BASE and NEW exchanged the
        interval is its mirror image.
        """
        if len(self.strata) == 1 and min(len(series.samples) for series in self.strata[0]) == 1:
            return -np.inf, np.inf
        random = np.random.default_rng(SEED)
        each = []
        for base, new in self.strata:
            a, b = random.random((2, RESAMPLES // 2, SLICES))
            each.append(_levels_of_draws(new, np.vstack([a, b])) - _levels_of_draws(base, np.vstack([b, a])))
        return _interval(np.stack(each), level, random)

    def p_value(self) -> float:
        """Two-sided p of `stratified_mann_whitney` over the slices' levels."""
        return stratified_mann_whitney([(base.slice_levels(), new.slice_levels()) for base, new in self.strata])


@dataclass(frozen=True, slots=True)
class Paired:
    """Two runs made in turn. starts: for each start of both the difference of each image, see `side_by_side`.

    A process keeps for life the memory layout of its start (measurement/memory_layout.py), so a start of both is one
    observation, however many turns it has (Kalibera and Jones 2013, "Rigorous benchmarking in reasonable time").
    Trimmed as in Yuen 1974, "The two-sample trimmed t for unequal population variances", here for one sample.
    """

    starts: Sequence[Floats]

    def effect(self) -> float:
        """The trimmed mean over the starts."""
        return float(_trimmed_mean(self.each()))

    def by_image(self) -> list[float]:
        """The trimmed mean difference of each image."""
        return [float(change) for change in _trimmed_mean(np.stack(self.starts))]

    def noise(self) -> float:
        """The median absolute deviation of the starts, over the root of their number: that of the effect."""
        return _spread([self.each()]) / float(np.sqrt(len(self.starts)))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Yuen's interval of the trimmed mean, Student's of few starts; infinite for a single start."""
        if len(self.starts) == 1:
            return -np.inf, np.inf
        from scipy.stats import t  # a second to import, for comparisons that have times

        error, freedom = self._error()
        reach = float(t.ppf((1 + level) / 2, freedom)) * error
        return self.effect() - reach, self.effect() + reach

    def p_value(self) -> float:
        """Two-sided p of Yuen's test, Student's of few starts; 1.0 for a single start or no effect at all."""
        if len(self.starts) == 1 or not self.effect():
            return 1.0
        from scipy.stats import t  # as above

        error, freedom = self._error()
        return float(2 * t.sf(abs(self.effect()) / error, freedom)) if error else 0.0

    def each(self) -> Floats:
        """The median over the images, of each start."""
        return np.asarray([np.median(start) for start in self.starts])

    def _error(self) -> tuple[float, int]:
        """The standard error of the effect, by the Winsorised starts, and its degrees of freedom."""
        each = np.sort(self.each())
        outer = int(TRIMMED * len(each))
        kept = len(each) - 2 * outer
        squares = float(np.var(each.clip(each[outer], each[-1 - outer]))) * len(each)
        return float(np.sqrt(squares / (kept * (kept - 1)))), kept - 1


Evidence: TypeAlias = Apart | Paired


def floor(values: Floats) -> Floats:
    """The FLOOR quantile along the last axis: np.quantile's default, in a third of its time on arrays this small."""
    ordered = np.sort(values, axis=-1)
    place, part = divmod(FLOOR * (values.shape[-1] - 1), 1)
    below, above = ordered[..., int(place)], ordered[..., ceil(place + part)]
    return np.asarray(below + part * (above - below))


def side_by_side(base: Floats, new: Floats) -> float:
    """The median of new - base over samples taken in turn, in order, each with the one that was taken beside it.

    It needs no reference workload: both runs meet the same slow phases. In a calm hour it spreads as far as the
    difference of the floors, on a busy core a third to half as far (benchmarks/in_turn.py).

    A turn of one run may hold several where the other's holds one: beside each other are those at the same share of
    their series.
    """
    count = max(len(base), len(new))
    places = np.arange(count)
    return float(np.median(new[places * len(new) // count] - base[places * len(base) // count]))


def _trimmed_mean(values: Floats) -> Floats:
    """Over the first axis."""
    outer = int(TRIMMED * len(values))
    return np.asarray(np.mean(np.sort(values, axis=0)[outer : len(values) - outer], axis=0))


def stratified_mann_whitney(strata: Sequence[tuple[Floats, Floats]]) -> float:
    """Two-sided p of the stratified Mann-Whitney test (van Elteren 1960), by the normal approximation with ties.

    The rank sums of the strata are weighted by 1 / (samples + 1), with half a step of the largest taken off for
    continuity. 1.0 where all samples of every stratum are equal.
    """
    from scipy.stats import norm, rankdata  # as above

    total = variance = step = 0.0
    for base, new in strata:
        count, weight = len(base) + len(new), 1 / (len(base) + len(new) + 1)
        ranks = rankdata(np.concatenate([base, new]))
        total += weight * (ranks[len(base) :].sum() - len(new) * (count + 1) / 2)
        variance += weight**2 * len(base) * len(new) * float(np.var(ranks, ddof=1)) / count
        step = max(step, weight / 2)
    if not variance:
        return 1.0
    z = max(abs(total) - step, 0.0) / np.sqrt(variance)
    return min(1.0, float(2 * norm.sf(z)))


def _spread(series: Sequence[Floats]) -> float:
    """The median absolute deviation from the median of each series, all pooled."""
    return float(np.median(np.concatenate([np.abs(values - np.median(values)) for values in series])))


def _levels_of_draws(series: Series, places: Floats) -> Floats:
    """The level of each bootstrap sample of slices. places: [RESAMPLES, SLICES] in [0, 1), which slices are drawn."""
    parts = np.array_split(np.arange(len(series.samples)), min(SLICES, len(series.samples)))
    size = min(len(part) for part in parts)
    kept = np.stack([part[:size] for part in parts])  # alike in length, so that draws are arrays
    chosen = kept[(places[:, : len(kept)] * len(kept)).astype(int)].reshape(len(places), -1)
    return floor(series.samples[chosen]) - floor(series.reference[chosen])


def _interval(each: Floats, level: float, random: np.random.Generator) -> tuple[float, float]:
    """each: [strata, RESAMPLES]; the percentiles of the median over as many strata, drawn with replacement."""
    drawn = np.tile(random.integers(len(each), size=(len(each), RESAMPLES // 2)), 2)
    effects = np.median(np.take_along_axis(each, drawn, axis=0), axis=0)
    tail = 50 * (1 - level)
    low, high = np.percentile(effects, (tail, 100 - tail))
    return float(low), float(high)
