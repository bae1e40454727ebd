"""Statistics of the samples of many records at once."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lic_bench.rate_distortion.bd_rate import Floats


def sample_medians(column: Sequence[Sequence[float]]) -> Floats:
    """The median [n] of the samples of each of n records; NaN where there are none."""
    medians = np.full(len(column), np.nan)
    for places, samples in _stacked(column):
        medians[places] = np.median(samples, axis=1)
    return medians


def sample_percentiles(column: Sequence[Sequence[float]], percents: Sequence[float]) -> Floats:
    """These percentiles [p] of the samples of each of n records, [p, n]; NaN where there are none."""
    percentiles = np.full((len(percents), len(column)), np.nan)
    for places, samples in _stacked(column):
        percentiles[:, places] = np.percentile(samples, percents, axis=1)
    return percentiles


def _stacked(column: Sequence[Sequence[float]]) -> Iterator[tuple[NDArray[np.intp], Floats]]:
    """The places [m] of the records with the same number of samples, and these [m, number]."""
    numbers = np.array([len(samples) for samples in column], np.intp)
    for number in pd.unique(numbers[numbers > 0]):
        places = np.flatnonzero(numbers == number)
        yield places, np.array([column[place] for place in places], np.float64)
