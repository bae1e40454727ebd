"""Everything is there, under names that stay, and it is JSON in the strict sense."""

import json
import math
from dataclasses import asdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output import json as output


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def test_everything_is_there(mixed: Comparison) -> None:
    found = strict(output.to_json(mixed))
    assert list(found) == [
        *("schema", "base", "new", "regression", "outcome", "counts", "reference_ratio", "overridden", "notes"),
        *("circumstances", "verdicts"),
    ]
    assert (found["schema"], found["regression"], found["reference_ratio"]) == (1, True, 1.031)
    assert found["counts"] == {"WORSE": 4, "BETTER": 1, "AMBIGUOUS": 1, "SAME": 3, "accepted": 1}
    assert [{k: v for k, v in row.items() if k != "fails"} for row in found["verdicts"]] == [
        asdict(verdict) | {"starts": list(verdict.starts)} for verdict in mixed.verdicts
    ]
    assert sum(row["fails"] for row in found["verdicts"]) == 3
    assert output.to_json.__doc__ is not None
    assert all(name in output.to_json.__doc__ for name in found)


@settings(deadline=None)
@given(data=st.data())
def test_any_comparison_is_strict_json(any_comparison: st.SearchStrategy[Comparison], data: st.DataObject) -> None:
    made = data.draw(any_comparison)
    text = output.to_json(made)
    assert text.isascii()
    found = strict(text)
    for row, verdict in zip(found["verdicts"], made.verdicts, strict=True):
        assert (row["codec"], row["words"], row["verdict"]) == (verdict.codec, verdict.words, verdict.verdict)
        change = verdict.change
        assert row["change"] == (change if change is not None and math.isfinite(change) else None)
