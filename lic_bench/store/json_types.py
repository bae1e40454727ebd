"""What a value that was read from a file may be, in code and in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

LARGEST = 1e100  # beyond it squares of numbers overflow; nothing that is measured comes near
LEVELS = 50  # of lists and mappings in each other, far below where Python's recursion ends
Check: TypeAlias = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """A check, and what passes it: one of them ("a text") and several ("texts")."""

    check: Check
    one: str
    several: str


def is_number(value: Any) -> bool:
    """Finite, and neither a truth value nor too large to be squared."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def is_integer(value: Any) -> bool:
    """A number without decimals."""
    return type(value) is int and abs(value) <= LARGEST


def is_positive(value: Any) -> bool:
    """A number above 0."""
    return is_number(value) and value > 0


def parse(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError, also where lists and mappings are too deep in each other."""
    try:
        value = json.loads(text)
    except RecursionError:
        value = None
    else:
        if _is_shallow(value, LEVELS):
            return value
    raise ValueError(f"more than {LEVELS} lists and mappings in each other")


def short(value: Any) -> str:
    """The value in at most 60 characters."""
    text = repr(value) if not isinstance(value, int) or abs(value) <= LARGEST else "an integer of too many digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def kinds(cls: type) -> Mapping[str, Kind]:
    """What JSON may have for each field of a dataclass, by its type."""
    return {name: kind_of(hint) for name, hint in get_type_hints(cls).items()}


def kind_of(hint: Any) -> Kind:
    """What JSON may have for a value of this type: a plain one, a list, a mapping, any of several."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        named = " or ".join(map(repr, parts))
        return Kind(lambda value: isinstance(value, str) and value in parts, named, named)
    inner = list(map(kind_of, (part for part in parts if part is not Ellipsis)))
    if origin in (Union, UnionType):
        return Kind(partial(_is_any_of, inner), *(" or ".join(words) for words in _words(inner)))
    if origin in (list, tuple):
        return Kind(partial(_is_list, inner[0]), f"a list of {inner[0].several}", f"lists of {inner[0].several}")
    return Kind(partial(_is_mapping, inner[1]), f"a mapping to {inner[1].several}", f"mappings to {inner[1].several}")


def wrong(values: Mapping[str, Any], known: Mapping[str, Kind], prefix: str = "") -> str | None:
    """The first of the known names whose value is not what it must be, in words; None where all are or are absent."""
    for name, kind in known.items():
        if name in values and not kind.check(values[name]):
            return f"{prefix}{name} = {short(values[name])} is not {kind.one}"
    return None


def _is_shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in inner)


def _is_any_of(inner: list[Kind], value: Any) -> bool:
    return any(kind.check(value) for kind in inner)


def _is_list(inner: Kind, value: Any) -> bool:
    return isinstance(value, list) and all(map(inner.check, value))


def _is_mapping(inner: Kind, value: Any) -> bool:
    return isinstance(value, dict) and all(map(inner.check, value.values()))


def _words(inner: list[Kind]) -> Iterator[list[str]]:
    yield [kind.one for kind in inner]
    yield [kind.several for kind in inner]


PLAIN: Mapping[Any, Kind] = {
    str: Kind(lambda value: isinstance(value, str), "a text", "texts"),
    int: Kind(is_integer, "a whole number", "whole numbers"),
    float: Kind(is_number, "a finite number", "finite numbers"),
    bool: Kind(lambda value: isinstance(value, bool), "true or false", "truth values"),
    NoneType: Kind(lambda value: value is None, "null", "null"),
    Any: Kind(lambda value: True, "a value", "values"),
}
