"""Many records at once are as each alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.report.frames.samples import sample_medians, sample_percentiles


@given(st.lists(st.lists(st.floats(1e-6, 1e3), max_size=4), max_size=6))
def test_medians_and_percentiles_of_records_with_other_numbers_of_samples(column: list[list[float]]) -> None:
    medians, (low, high) = sample_medians(column), sample_percentiles(column, (10, 90))
    for place, samples in enumerate(column):
        if samples:
            assert medians[place] == np.median(samples)
            assert (low[place], high[place]) == pytest.approx(tuple(np.percentile(samples, (10, 90))))
        else:
            assert np.isnan([medians[place], low[place], high[place]]).all()
