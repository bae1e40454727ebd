"""Records in groups: what pandas' groupby gives, in the same order."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.report.frames.record_groups import POINT, record_groups

Row = tuple[str, str, str, int]
ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.just("cpu"), st.sampled_from("xy"), st.integers(1, 3)), max_size=20)


@given(ROWS)
def test_groups_are_those_of_pandas(rows: list[Row]) -> None:
    records = pd.DataFrame(rows, columns=list(POINT)).assign(payload_bytes=range(len(rows)))
    groups = record_groups(records, [*POINT, "payload_bytes"], {"twice": 2 * np.arange(len(rows))})
    expected = [group for _, group in records.groupby(list(POINT), sort=False)]
    assert [group["payload_bytes"].tolist() for group in groups] == [group.payload_bytes.tolist() for group in expected]
    assert all((group["twice"] == 2 * group["payload_bytes"]).all() for group in groups)
    assert [tuple(group[name][0] for name in POINT) for group in groups] == list(dict.fromkeys(rows))
