"""The types of a stored point's fields, beside plain numbers."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from annotated_types import Interval
from pydantic import AfterValidator, PlainValidator

from lic_bench.store.records import LARGEST

NAME = re.compile(r"\w[\w.@ ()+,-]*")
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("should be a text without line ends and control characters")
    return text


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError("should be a name of letters, digits and . @ ( ) + , - _")
    return text


def _utc_time(text: str) -> str:
    try:
        if UTC_TIME.fullmatch(text) and datetime.fromisoformat(text).utcoffset() == timedelta(0):
            return text
    except ValueError:
        pass
    raise ValueError("should be a time in UTC as 2026-11-23T02:00:00+00:00")


def _number_or_text(value: Any) -> float | str:
    if isinstance(value, str) and value.isprintable():
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return value
    raise ValueError("should be a finite number or a text without line ends")


Text = Annotated[str, AfterValidator(_printable)]
Name = Annotated[Text, AfterValidator(_name)]  # files are called so
UtcTime = Annotated[str, AfterValidator(_utc_time)]  # ISO 8601, whose order is that of the texts
Count = Annotated[int, Interval(ge=0, le=LARGEST)]
NumberOrText = Annotated[float | str, PlainValidator(_number_or_text)]
