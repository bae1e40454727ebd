import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.store.json_validation import read_object, shortened, spell_out_bytes, validated

DEEPEST = 200  # lists and objects in each other


def nested_object(begin: str, end: str, depth: int) -> str:
    return f'{{"schema": 1, "deep": {begin * (depth - 1)}1{end * (depth - 1)}}}'


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deep_is_not_read(begin: str, end: str) -> None:
    assert validated(dict, nested_object(begin, end, DEEPEST), "here", "fix it")
    for depth in (DEEPEST + 1, 500, 100_000):
        with pytest.raises(UserError, match=r"^here: not JSON .*recursion limit exceeded.*; fix it.$"):
            validated(dict, nested_object(begin, end, depth), "here", "fix it")
    with pytest.raises(UserError, match=r"^here: not JSON; fix it.$"):
        read_object(nested_object(begin, end, 100_000), "here", (1,), "fix it")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "not JSON"),
        ('{"schema": 1', "not JSON"),
        (b"\xff", "not JSON"),
        ("null", "no JSON object; fix it"),
        ("[1]", "no JSON object; fix it"),
        ("{}", "schema None, this version reads 2; fix it"),
        ('{"schema": 0}', "schema 0, this version reads 2; fix it"),
        ('{"schema": true}', "schema True, this version reads 2; fix it"),
        ('{"schema": [1]}', "schema .1., this version reads 2; fix it"),
        (f'{{"schema": {"[" * 900}{"]" * 900}}}', "schema ....*, this version reads 2; fix it"),
        ('{"schema": 3}', "schema 3, this version reads 2; update lic-bench"),
    ],
)
def test_what_is_no_object_of_a_known_schema_is_one_line(text: str | bytes, says: str) -> None:
    with pytest.raises(UserError, match=f"^here: {says}") as error:
        read_object(text, "here", (1, 2), "fix it")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "checked"),
    [
        ("a\udcff.png", "a\\udcff.png"),
        ("\U0001f480", "\U0001f480"),
        ("\\udcff", "\\udcff"),
        ("a\\\udcff.png", "a\\\\udcff.png"),
        ("\ud83d", "\\ud83d"),
        ("\U0001f480\udc80", "\U0001f480\\udc80"),
    ],
)
def test_only_lone_surrogates_are_spelled_out(text: str, checked: str) -> None:
    assert json.loads(spell_out_bytes(json.dumps(text))) == checked


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_every_value_is_told_in_a_short_line(value: object) -> None:
    assert len(shortened(value)) <= 60
    assert "\n" not in shortened(value)
