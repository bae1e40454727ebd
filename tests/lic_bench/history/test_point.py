import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.history.history_file import add, read
from lic_bench.history.metric_series import series_of
from lic_bench.history.point import Point, parse_point, to_line
from lic_bench.store.records import LARGEST

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
    *[("codec", "a\x1b[31m"), ("software", None), ("lic_bench", 1), ("unit", None)],
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
    values = asdict(point(metric="encode_s")) | changes
    with pytest.raises(UserError, match=f"^here: {next(iter(changes))} = .* should be greater than 0; fix it.$"):
        parse_point(json.dumps(values), "here", "fix it")
    assert parse_point(json.dumps(values | {"metric": "peak_encode_rss_growth"}), "here")


def test_what_runs_give_is_read_back(point: MakePoint) -> None:
    times = {"low": 0.9, "high": 1.1, "seconds": 0.5, "canary_s": 0.01, "commit": None, "dirty": None}
    for given_point in (
        point(),
        point(value="0123abcd", metric="bitstream_sha256", commit="v0.2.0", weights="random"),
        point(metric="encode_s", on="exact, forward, 24x16", **times),
    ):
        assert parse_point(to_line(given_point), "here") == given_point


@settings(deadline=None)
@given(field=st.sampled_from([f.name for f in fields(Point) if f.name != "schema"]), value=JSON)
def test_what_is_read_makes_a_series_and_what_is_not_is_one_line(point: MakePoint, field: str, value: Any) -> None:
    line = json.dumps(asdict(point(metric="encode_s")) | {field: value})
    try:
        read_back = parse_point(line, "here")
    except UserError as error:
        said = str(error)
    else:
        assert len(series_of([read_back, read_back])) == 1
        return
    assert re.match(f"here: ({field}|not JSON)", said)
    assert "\n" not in said


@given(value=st.integers() | st.floats())
def test_numbers_are_what_can_be_squared(point: MakePoint, value: float) -> None:
    line = json.dumps(asdict(point()) | {"value": value})
    try:
        assert parse_point(line, "here").value == value
    except UserError:
        assert not abs(value) <= LARGEST


@given(time=st.datetimes())
def test_times_of_the_clock_are_read(point: MakePoint, time: datetime) -> None:
    assert parse_point(to_line(point(time=time.replace(tzinfo=UTC).isoformat())), "here")
    with pytest.raises(UserError, match=r"here: time = .* should be a time in UTC"):
        parse_point(to_line(point(time=time.isoformat())), "here")
