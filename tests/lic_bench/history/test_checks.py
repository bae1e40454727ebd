import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.history.checks import FIELDS, is_time, wrong
from lic_bench.history.metric_series import series_of
from lic_bench.history.point import Point, to_json
from lic_bench.history.store import add, read
from lic_bench.store.json_types import LARGEST, is_number

Nights = Callable[..., list[Point]]
MakePoint = Callable[..., Point]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
WRONG: list[tuple[str, Any]] = [
    *[("value", value) for value in (math.inf, -math.inf, math.nan, 10**400, True, None, [1], {}, "a\nb")],
    *[("time", value) for value in ("garbage", "", 5, "2026-13-01T00:00:00+00:00", "2026-03-01T02:00:00+02:00")],
    *[("machine", value) for value in ("other/../x", "../x", "", "..", "a\n", 3)],
    *[("metric", value) for value in ("../../evil_s", "a/b", "", None)],
    *[("low", "x"), ("high", math.inf), ("threads", [1]), ("threads", -1), ("cores_kept", True), ("protocol", {})],
    *[
        ("dirty", "yes"),
        ("isolate", 1),
        ("quick", "no"),
        ("commit", 5),
        ("weights", {}),
        ("mode", []),
        ("images", None),
    ],
    *[("seconds", -1), ("seconds", 0), ("canary_s", math.nan), ("quality", True), ("quality", 10**400), ("device", 1)],
    *[("codec", "a\x1b[31m"), ("on", "\ud800"), ("software", None), ("lic_bench", 1), ("unit", None)],
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_line_with_a_wrong_field_names_file_line_and_field(
    tmp_path: Path, nights: Nights, field: str, value: Any
) -> None:
    add(nights([1.0, 2.0]), tmp_path)
    (path,) = tmp_path.glob("*.jsonl")
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{json.dumps(json.loads(second) | {field: value})}\n")
    with pytest.raises(UserError) as error:
        read(tmp_path)
    assert str(error.value).startswith(f"{path}, line 2: {field} = ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 200


@pytest.mark.parametrize("changes", [{"value": -1.0}, {"value": 0.0}, {"value": "abc"}, {"low": -0.5}, {"high": 0.0}])
def test_times_are_above_0(point: MakePoint, changes: dict[str, Any]) -> None:
    values = to_json(point(metric="encode_s")) | changes
    assert str(wrong(values)).endswith("is not a number above 0")
    assert wrong(values | {"metric": "peak_encode_rss_growth"}) is None


def test_what_runs_give_is_right(point: MakePoint) -> None:
    assert wrong(to_json(point())) is None
    assert wrong(to_json(point(value="0123abcd", metric="bitstream_sha256", commit="v0.2.0", weights="random"))) is None
    times = {"low": 0.9, "high": 1.1, "seconds": 0.5, "canary_s": 0.01, "commit": None, "dirty": None}
    assert wrong(to_json(point(metric="encode_s", on="exact, forward, 24x16", **times))) is None


def test_every_field_of_a_point_is_checked(point: MakePoint) -> None:
    assert set(FIELDS) == to_json(point()).keys() - {"schema"}


@settings(deadline=None)
@given(field=st.sampled_from(sorted(FIELDS)), value=JSON)
def test_what_passes_makes_a_series_and_what_does_not_is_one_line(point: MakePoint, field: str, value: Any) -> None:
    values = to_json(point(metric="encode_s")) | {field: value}
    told = wrong(values)
    if told is None:
        assert len(series_of([Point(**values), Point(**values)])) == 1
    else:
        assert told.startswith(f"{field} = ")
        assert "\n" not in told


@given(value=st.integers() | st.floats())
def test_numbers_are_what_can_be_squared(value: float) -> None:
    assert is_number(value) == (math.isfinite(value) and -LARGEST <= value <= LARGEST)


@given(time=st.datetimes())
def test_times_of_the_clock_are_read(time: datetime) -> None:
    assert is_time(time.replace(tzinfo=UTC).isoformat())
    assert not is_time(time.isoformat())
