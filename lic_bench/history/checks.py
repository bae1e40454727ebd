"""What each field of a stored point may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lic_bench.store.json_types import Check, is_integer, is_number, is_positive, short

NAME = re.compile(r"\w[\w.@ ()+,-]*")  # files are called so
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")


def is_text(value: Any) -> bool:
    """Without line ends and control characters."""
    return isinstance(value, str) and value.isprintable()


def is_time(value: Any) -> bool:
    """ISO 8601 in UTC, whose order is that of the texts."""
    if not isinstance(value, str) or not TIME.fullmatch(value):
        return False
    try:
        return datetime.fromisoformat(value).utcoffset() == timedelta(0)
    except ValueError:
        return False


def _is_name(value: Any) -> bool:
    return is_text(value) and NAME.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return is_integer(value) and value >= 0


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_value(value: Any) -> bool:
    return is_text(value) or is_number(value)


TEXT, NUMBER, POSITIVE = (is_text, "a text"), (is_number, "a finite number"), (is_positive, "a number above 0")
PLAIN_NAME = (_is_name, "a name of letters, digits and . @ ( ) + , - _")
FIELDS: Mapping[str, tuple[Check, str]] = {
    **dict.fromkeys(("commit", "lic_bench", "software", "protocol", "device", "weights", "mode"), TEXT),
    **dict.fromkeys(("images", "codec", "on", "unit"), TEXT),
    **dict.fromkeys(("machine", "metric"), PLAIN_NAME),
    **dict.fromkeys(("threads", "cores_kept"), (_is_count, "a number of them")),
    **dict.fromkeys(("dirty", "isolate", "quick"), (_is_truth, "true or false")),
    **dict.fromkeys(("low", "high"), NUMBER),
    **dict.fromkeys(("seconds", "canary_s"), POSITIVE),
    "time": (is_time, "a time in UTC as 2026-11-23T02:00:00+00:00"),
    "quality": (is_integer, "a whole number"),
    "value": (_is_value, "a finite number or a text"),
}
OPTIONAL = (
    *("commit", "dirty", "threads", "cores_kept", "isolate", "quick", "weights", "mode"),
    *("low", "high", "seconds", "canary_s"),
)
OF_TIMES = ("value", "low", "high")  # above 0 for a metric in seconds


def wrong(values: Mapping[str, Any]) -> str | None:
    """The first field that is not what it must be, in words, None where all are; values: of all fields of a point."""
    timed = str(values["metric"]).endswith("_s")
    for name, (check, what) in FIELDS.items():
        value = values.get(name)
        if value is None and name in OPTIONAL:
            continue
        if timed and name in OF_TIMES:
            check, what = POSITIVE
        if not check(value):
            return f"{name} = {short(value)} is not {what}"
    return None
