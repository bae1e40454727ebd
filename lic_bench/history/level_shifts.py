"""Where a series begins a new level: steps of noisy values, and changes of exact ones."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lic_bench.compare.statistics import Floats

LEAST = 3  # points of a level; fewer are outliers
OUTLIER = 4.0  # times the noise
PENALTY = 4.0  # times log(points), per step: 2 is BIC's for a place and a level, and noise here is not quite normal
FEW = 10.0  # the noise of n points counts as 1 + FEW / n of itself, as that of few may be found too small
ROUNDS = 3  # of finding steps with the correlation that the residuals around the last ones have
CORRELATED = 0.95  # the largest correlation that is believed
MAD_TO_SIGMA = 1.4826
MEAN_TO_SIGMA = float(np.sqrt(np.pi / 2))


def find_changes(values: Sequence[Any], within: float = 0.0) -> list[int]:
    """The indices at which exact values begin to differ from those before.

    within: how far numbers may be from the first of their level; 0 makes any change a step, of texts too.
    """
    starts: list[int] = []
    for index, value in enumerate(values):
        first = values[starts[-1] if starts else 0]
        if abs(value - first) > within if within else value != first:
            starts.append(index)
    return starts


def find_steps(values: ArrayLike, *, floor: float = 0.0) -> list[int]:
    """The indices at which a new level begins; [] for a series that has one level.

    values: [n], finite, in order. floor: the least difference between two levels that counts as a step; 0: any.
    A level has LEAST points or more; fewer are outliers, however far off.

    Optimal partitioning (Jackson et al. 2005) of the squares around the means, over the noise, with PENALTY * log(n)
    per step, after outliers became medians; again with more noise where the residuals are correlated, see `inflation`.
    In independent noise less than 1 % of the series of 6 to 300 points get a step. What wanders slowly cannot be told
    from steps: of 60 points, with a floor of one and a half standard deviations, 2 % get one at a correlation of 0.7
    between neighbours and 6 % at 0.9; a random walk 6 % where the floor is 7.5 of its strides. O(n^2) a round.
    """
    series = np.asarray(values, np.float64)

    sigma = noise(series)
    if sigma == 0 or len(series) < 2 * LEAST:
        return []
    clean, penalty = without_outliers(series, sigma), PENALTY * float(np.log(len(series)))
    scaled = clean / (sigma * (1 + FEW / len(series)))
    starts = partition(scaled, penalty, LEAST)
    for _ in range(ROUNDS):
        again = partition(scaled / inflation(clean, starts, sigma), penalty, LEAST) if starts else []
        if again == starts:
            break
        starts = again
    return drop_small_steps(series, starts, floor)


def levels(values: ArrayLike, starts: Sequence[int]) -> list[tuple[int, int, float]]:
    """(start, stop, median) of each part of the values; starts: where a new one begins, ascending, without 0."""
    series = np.asarray(values, np.float64)
    return [(start, stop, float(np.median(series[start:stop]))) for start, stop in pairwise([0, *starts, len(series)])]


def noise(values: Floats) -> float:
    """The standard deviation around the levels, from the differences of neighbours, of which few are steps.

    By their median absolute deviation; where that is 0, as most are equal, by their mean. 0 for a constant.
    """
    differences = np.diff(values)
    if not np.any(differences):
        return 0.0
    middle = float(np.median(np.abs(differences - np.median(differences))))
    sigma = MAD_TO_SIGMA * middle or MEAN_TO_SIGMA * float(np.mean(np.abs(differences)))
    return sigma / float(np.sqrt(2))


def inflation(values: Floats, starts: Sequence[int], sigma: float) -> float:
    """How much more the means of levels scatter than with independent noise of sigma; at least 1.

    The residuals' standard deviation over sigma, which differences find too small, times sqrt((1 + r) / (1 - r)): the
    square root of the variance of means of many values with the lag-1 autocorrelation r. r is that of the residuals,
    plus the (1 + 3 r) / n per level by which it comes out too small (Kendall 1954); 1 is returned for r up to 0.
    """
    parts = [part - np.mean(part) for part in np.split(values, list(starts))]
    squares = sum(float(np.sum(part**2)) for part in parts)
    if squares == 0 or len(values) <= len(parts):
        return 1.0
    lag_1 = sum(float(np.sum(part[1:] * part[:-1])) for part in parts) / squares
    r = min(lag_1 + (1 + 3 * lag_1) * len(parts) / len(values), CORRELATED)
    deviation = float(np.sqrt(squares / (len(values) - len(parts))))
    return max(1.0, deviation / sigma * float(np.sqrt((1 + r) / (1 - r)))) if r > 0 else 1.0


def without_outliers(values: Floats, sigma: float) -> Floats:
    """The values; outliers, over OUTLIER * sigma from the median of 2 * LEAST - 1 values around, become that median.

    That leaves levels of LEAST points as they are, and none that is shorter.
    """
    width = 2 * LEAST - 1
    if len(values) < width:
        return values
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
    medians = np.pad(medians, LEAST - 1, mode="edge")
    return np.where(np.abs(values - medians) > OUTLIER * sigma, medians, values)


def partition(values: Floats, penalty: float, least: int) -> list[int]:
    """The starts of parts of `least` values or more that minimise the squares around their means + penalty * starts."""
    count, centred = len(values), values - np.mean(values)
    sums, squares = (np.concatenate([[0.0], np.cumsum(part)]) for part in (centred, centred**2))
    best = np.full(count + 1, np.inf)
    best[0] = -penalty
    last = np.zeros(count + 1, np.int64)
    for stop in range(least, count + 1):
        starts = np.arange(stop - least + 1)
        around = squares[stop] - squares[starts] - (sums[stop] - sums[starts]) ** 2 / (stop - starts)
        total = best[starts] + around + penalty
        last[stop] = np.argmin(total)
        best[stop] = total[last[stop]]
    ends, stop = [], count
    while stop := int(last[stop]):
        ends.append(stop)
    return ends[::-1]


def drop_small_steps(values: Floats, starts: list[int], floor: float) -> list[int]:
    """The starts without steps between medians up to the floor; the smallest is dropped first and joins two levels."""
    while starts:
        heights = [abs(after - before) for (*_, before), (*_, after) in pairwise(levels(values, starts))]
        smallest = int(np.argmin(heights))
        if heights[smallest] > floor:
            break
        starts = starts[:smallest] + starts[smallest + 1 :]
    return starts
