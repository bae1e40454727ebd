"""Stored JSON is checked by pydantic against the types of dataclasses; a problem is one line."""

import json
import re
import reprlib
from collections.abc import Callable, Collection
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lic_bench.errors import UserError

T = TypeVar("T")
_ESCAPES = re.compile(rb"\\(?:ud[89ab]..\\ud[c-f]..|(ud[89a-f]..)|.)", re.IGNORECASE | re.DOTALL)  # group 1: alone
adapter_of: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)  # making one takes longer than reading a run


def read_object(text: str | bytes, source: str, schemas: Collection[int], fix: str) -> dict[str, Any]:
    """The JSON object of a text, whose field `schema` is one of `schemas`.

    Raises UserError, beginning with `source`, for other texts.
    """
    try:
        values = json.loads(text)  # not pydantic's, which refuses what Python makes of file names that are no UTF-8
    except (ValueError, RecursionError):
        raise UserError(f"{source}: not JSON; {fix}.") from None
    if not isinstance(values, dict):
        raise UserError(f"{source}: no JSON object; {fix}.")
    schema = values.get("schema")
    if type(schema) is not int or schema not in schemas:
        fix = "update lic-bench" if type(schema) is int and schema > max(schemas) else fix
        raise UserError(f"{source}: schema {shortened(schema)}, this version reads {max(schemas)}; {fix}.")
    return values


def validated(cls: type[T], text: str | bytes, source: str, fix: str) -> T:
    """The JSON text as an instance of `cls`.

    Raises UserError, beginning with `source`, for what its types forbid and for lists and objects nested 200 deep.
    """
    try:
        instance: T = adapter_of(cls).validate_json(text)
    except ValidationError as error:
        raise UserError(f"{source}: {first_problem(error)}; {fix}.") from None
    return instance


def spell_out_bytes(text: str | bytes) -> bytes:
    """The JSON text with the bytes of file names that are no UTF-8 in letters, as in a\\udcff.png.

    Python makes lone surrogates of them, which pydantic refuses and no file in UTF-8 can hold.
    """
    data = text.encode() if isinstance(text, str) else text
    if b"\\" not in data:  # in a tenth of the time that looking for two bytes takes
        return data
    return _ESCAPES.sub(lambda match: b"\\" + match[0] if match[1] else match[0], data)


def first_problem(error: ValidationError) -> str:
    """The first problem in words: "encode_s.1 = 0.0 should be greater than 0"."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return f"not JSON that can be read ({first['ctx']['error']})"
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"field {field!r} is missing"
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"field {field!r} is unknown"
    words = first["msg"][max(0, first["msg"].find("should")) :]  # without what is said to be so: "Input", "Tuple"
    return f"{field} = {shortened(first['input'])} {words}"


def shortened(value: Any) -> str:
    """The value in at most 60 characters."""
    text = reprlib.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
