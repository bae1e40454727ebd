"""What is stored: a Point per commit, machine, codec, quality, data set and metric."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias

from annotated_types import Interval
from pydantic import AfterValidator, PlainValidator

from lic_bench.errors import UserError
from lic_bench.store.json_validation import read_object, shortened, validated
from lic_bench.store.records import LARGEST, STRICT, Integer, Number, Seconds

SCHEMA = 1
RELATIVE = "times the reference workload"  # the unit of times; others are those of compare/metric_table.py
Value: TypeAlias = float | str
Key: TypeAlias = tuple[Any, ...]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One number of one run.

    time: when the run began, UTC, ISO 8601; series are in this order. commit: of lic-bench, None where it was not run
        from a repository; dirty: whether files differed from it, None where that is not known.
    machine: see `machine_name`. software: hash of torch, libraries, coders and settings; a new one begins no new
        series, as its step is to be seen.
    protocol, device, threads, cores_kept, isolate, quick: as in run.json; a change begins a new series.
    weights, mode: of the codec at this quality, as in run.json; images: hash of the images that were measured, "" for
        operations. Alike.
    on: the data set, or for operations the counter, its path and the image size.
    value: the mean over the images; of `status` how many failed, of texts a hash of all. Of times the geometric mean of
        the images' floors (10 % quantile) over that of the reference workload beside them: without unit, and a machine
        that is slower as a whole gives the same.
    low, high: of times the least and largest that consecutive parts of the run give; None for what has no samples.
    seconds: of times the median over the images of their floors as measured; canary_s: the reference workload's floor.
    """

    time: UtcTime
    commit: Text | None
    dirty: bool | None
    lic_bench: Text
    machine: Name
    software: Text
    protocol: Text
    device: Text
    threads: Count | None
    cores_kept: Count | None
    isolate: bool | None
    quick: bool | None
    weights: Text | None
    mode: Text | None
    images: Text
    codec: Text
    quality: Integer
    on: Text
    metric: Name
    value: NumberOrText
    unit: Text
    low: Number | None = None
    high: Number | None = None
    seconds: Seconds | None = None
    canary_s: Seconds | None = None
    schema: int = SCHEMA
    __pydantic_config__ = STRICT

    @property
    def key(self) -> Key:
        """What makes a point unique: a run is added once."""
        return self.commit, self.machine, self.time, self.codec, self.quality, self.on, self.metric

    @property
    def series(self) -> Key:
        """What the points of one series have in common."""
        return tuple(getattr(self, name) for name in SERIES)


SERIES = (
    *("machine", "codec", "quality", "on", "metric"),
    *("protocol", "device", "threads", "cores_kept", "isolate", "quick", "weights", "mode", "images"),
)


def to_line(point: Point) -> str:
    """The point as a line of JSON."""
    return json.dumps(asdict(point)) + "\n"


def parse_point(line: str | bytes, source: str, fix: str = "remove that line and add its run again") -> Point:
    """The point of a line of JSON. Raises UserError, naming `source`, for another schema and for wrong fields."""
    read_object(line, source, (SCHEMA,), fix)
    point = validated(Point, line, source, fix)
    for name in ("value", "low", "high"):
        value = getattr(point, name)
        if point.metric.endswith("_s") and value is not None and not (isinstance(value, float | int) and value > 0):
            raise UserError(f"{source}: {name} = {shortened(value)} should be greater than 0; {fix}.")
    return point
