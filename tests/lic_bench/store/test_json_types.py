"""What JSON may have for a type, in code and in words."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.store.json_types import LEVELS, kind_of, kinds, parse, short, wrong
from lic_bench.store.records import Complexity, Record, to_json
from lic_bench.store.run_config import RunConfig

RIGHT: list[tuple[Any, Any, str]] = [
    (str, "", "a text"),
    (int, -3, "a whole number"),
    (float, 3, "a finite number"),
    (bool, False, "true or false"),
    (int | None, None, "a whole number or null"),
    (Literal["ok", "failed"], "ok", "'ok' or 'failed'"),
    (list[float], [0.5, 1], "a list of finite numbers"),
    (tuple[int, ...], [], "a list of whole numbers"),
    (dict[str, list[int]], {"a": [1]}, "a mapping to lists of whole numbers"),
    (dict[str, str | None], {"a": None}, "a mapping to texts or null"),
    (dict[str, Any], {"a": [None]}, "a mapping to values"),
]
WRONG: list[tuple[Any, Any]] = [
    *[(str, None), (str, 1), (int, 1.0), (int, True), (int, 10**400), (float, float("nan")), (float, 10**400)],
    *[(bool, 1), (int | None, ""), (Literal["ok"], "OK"), (Literal["ok"], []), (list[float], 1.5)],
    *[(list[float], [None]), (tuple[int, ...], "12"), (dict[str, int], []), (dict[str, list[int]], {"a": None})],
]


@pytest.mark.parametrize(("hint", "value", "words"), RIGHT)
def test_what_passes_and_what_it_is_called(hint: Any, value: Any, words: str) -> None:
    assert kind_of(hint).check(value)
    assert kind_of(hint).one == words


@pytest.mark.parametrize(("hint", "value"), WRONG)
def test_what_does_not_pass(hint: Any, value: Any) -> None:
    assert not kind_of(hint).check(value)


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_how_deep_is_too_deep(begin: str, end: str) -> None:
    assert parse(f"{begin * LEVELS}1{end * LEVELS}") is not None
    for count in (LEVELS + 1, 500, 100_000):
        with pytest.raises(ValueError, match="more than 50 lists and mappings in each other"):
            parse(f"{begin * count}1{end * count}")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_every_value_is_told_in_a_short_line(value: Any) -> None:
    assert len(short(value)) <= 60
    assert "\n" not in short(value)


def test_what_the_project_writes_passes() -> None:
    row = Record(codec="a", quality=1, dataset="d", image="i", width=1, height=1, status="ok")
    count = Complexity(codec="a", quality=1, width=1, height=1, counter="thop", path="forward", macs=1, parameters=1)
    config = RunConfig(
        codecs=("a",), datasets=("d",), images={"d": 1}, qualities={"a": (1,)}, weights={"a": {"1": "random"}},
        measure=(), device="cpu", threads=1, repeats=1,
    )  # fmt: skip
    for one, values in ((row, to_json(row)), (count, to_json(count)), (config, config.to_json())):
        assert wrong(json.loads(json.dumps(values)), kinds(type(one))) is None
        assert kinds(type(one)).keys() == values.keys()
