"""What is stored: a Point per commit, machine, codec, quality, data set and metric."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, TypeAlias

from lic_bench.errors import UserError
from lic_bench.history import checks

SCHEMA = 1
RELATIVE = "times the reference workload"  # the unit of times; others are those of compare/metric_table.py
Value: TypeAlias = float | str
Key: TypeAlias = tuple[Any, ...]


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

    time: str
    commit: str | None
    dirty: bool | None
    lic_bench: str
    machine: str
    software: str
    protocol: str
    device: str
    threads: int | None
    cores_kept: int | None
    isolate: bool | None
    quick: bool | None
    weights: str | None
    mode: str | None
    images: str
    codec: str
    quality: int
    on: str
    metric: str
    value: Value
    unit: str
    low: float | None = None
    high: float | None = None
    seconds: float | None = None
    canary_s: float | None = None
    schema: int = SCHEMA

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


def to_json(point: Point) -> dict[str, Any]:
    """The point as plain JSON values."""
    return asdict(point)


def from_json(values: Any, source: str) -> Point:
    """A point read back. Raises UserError, naming `source`, for another schema, and for fields that are not as here."""
    if not isinstance(values, dict):
        raise UserError(f"{source}: no JSON object; remove that line.")
    if type(values.get("schema")) is not int or values["schema"] != SCHEMA:
        raise UserError(f"{source}: schema {values.get('schema')!r}, this version reads {SCHEMA}: update lic-bench.")
    known = {f.name for f in fields(Point)}
    needed = {f.name for f in fields(Point) if f.default is MISSING}
    if wrong := sorted((values.keys() - known) | (needed - values.keys())):
        what = "unknown" if wrong[0] in values else "missing"
        raise UserError(f"{source}: field {wrong[0]!r} is {what}; remove that line and add its run again.")
    if told := checks.wrong(values):
        raise UserError(f"{source}: {told}; remove that line and add its run again.")
    return Point(**values)
