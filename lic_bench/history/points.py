"""From a stored run to the points of the history."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from lic_bench.compare.metrics import OWN, PEAK, STATUS, Subject, Times, Values, metrics
from lic_bench.compare.statistics import FLOOR, Apart
from lic_bench.errors import UserError
from lic_bench.history.machine import hashed, name_of, software_of
from lic_bench.history.point import BYTES, COUNTED, MACS, RELATIVE, Point, Value
from lic_bench.store.run_folder import Run

UNITS: Mapping[str, str] = {
    STATUS: COUNTED,
    "mse_8bit": "squared levels",
    "macs": MACS,
    "decode_max_abs": "levels",
}
OF_OPERATIONS = {STATUS: "", "ok": ""}
DIRTY = "-dirty"
DESCRIBED = re.compile(r".*-g([0-9a-f]{7,40})")  # by `git describe`, behind the nearest tag


def points_of(run: Run) -> list[Point]:
    """Everything that the run measured of what `lic-bench compare` looks at, at the commit that measured it.

    Without data sets of which images are missing at that codec, quality and commit: the run has not come to their end.
    Raises UserError for a run that does not say when and on what machine it was made.
    """
    for part, what in (("environment", "time"), ("fingerprint", "machine")):
        told = run.info.get(part)
        if not isinstance(told, dict) or not told or (what == "time" and not told.get(what)):
            raise UserError(f"{run.folder}: its run.json does not tell its {what} ({part}); measure again to add it.")
    return [point for part in run.by_commit() for point in _points_of_commit(part)]


def _points_of_commit(run: Run) -> list[Point]:
    done = _images(run)
    found = []
    for item in metrics(run, run):
        subject = item.subject
        images = done.get((subject.codec, subject.quality, subject.on), OF_OPERATIONS)
        numbers = _times(item) if isinstance(item, Times) else _values(item)
        if images is not None and numbers is not None and not _others_too(subject.metric, run):
            kind = STATUS if subject.metric == STATUS else "ok"
            origin, unit = _origin(run, subject), unit_of(subject.metric)
            found.append(Point(**origin, images=images[kind], unit=unit, **numbers))
    return found


def unit_of(metric: str) -> str:
    """In words; "" for what has none."""
    if metric.endswith("_s"):
        return RELATIVE
    return BYTES if metric.endswith("_bytes") or metric.startswith(PEAK) else UNITS.get(metric, "")


def commit_of(described: str | None) -> tuple[str | None, bool | None]:
    """(commit, dirty) of what run.json has from `git describe`."""
    if not described:
        return None, None
    name = described.removesuffix(DIRTY)
    hidden = DESCRIBED.fullmatch(name)
    return (hidden[1] if hidden else name), described.endswith(DIRTY)


def _origin(run: Run, subject: Subject) -> dict[str, Any]:
    """The fields that say what was measured, where and how."""
    config, fingerprint, environment = (run.info.get(part) or {} for part in ("config", "fingerprint", "environment"))
    commit, dirty = commit_of(environment.get("git_commit"))
    codec, quality = subject.codec, subject.quality
    return {
        "time": environment.get("time", ""),
        "commit": commit,
        "dirty": dirty,
        "lic_bench": environment.get("lic_bench", ""),
        "machine": name_of(fingerprint),
        "software": software_of(fingerprint, codec),
        "protocol": config.get("protocol", ""),
        "device": config.get("device", ""),
        "threads": config.get("threads"),
        "cores_kept": fingerprint.get("cores_kept"),
        "isolate": config.get("isolate"),
        "quick": config.get("quick"),
        "weights": ((config.get("weights") or {}).get(codec) or {}).get(str(quality)),
        "mode": (config.get("modes") or {}).get(codec),
        "codec": codec,
        "quality": quality,
        "on": subject.on,
        "metric": subject.metric,
    }


def _images(run: Run) -> dict[tuple[str, int, str], Mapping[str, str] | None]:
    """(codec, quality, data set) -> hashes of its images, of all and of those not failed; None: some are missing."""
    asked = (run.info.get("config") or {}).get("images") or {}
    found: dict[tuple[str, int, str], Mapping[str, str] | None] = {}
    key: Any
    for key, rows in run.records.groupby(["codec", "quality", "dataset"], sort=False):
        parts = {STATUS: rows, "ok": rows[rows.status == "ok"]}
        hashes = {name: hashed(sorted(zip(p.image, p.image_sha256, strict=True))) for name, p in parts.items()}
        found[key] = hashes if len(rows) >= asked.get(key[-1], 0) else None
    return found


def _others_too(metric: str, run: Run) -> bool:
    """Whether it is memory in which other codecs of the run, sharing a process, have a part."""
    config = run.info.get("config") or {}
    shared = not config.get("isolate") and len(config.get("codecs") or ()) > 1
    return shared and metric.startswith(PEAK) and not metric.endswith(OWN)


def _values(item: Values) -> dict[str, Any] | None:
    values = [value for value, _ in item.pairs if value is not None]
    return {"value": _one(item.subject.metric, values)} if values else None


def _one(metric: str, values: Sequence[Any]) -> Value:
    """One value for all images; of numbers the mean, rounded once, so that no order and no library moves it."""
    if metric == STATUS:
        return float(sum(value != "ok" for value in values))
    return hashed(values) if isinstance(values[0], str) else math.fsum(values) / len(values)


def _times(item: Times) -> dict[str, Any]:
    each = [series for series, _ in cast(Apart, item.evidence).strata]  # a run's own times are never in turn
    value = _geometric(series.level for series in each)
    slices = [series.slices() for series in each]
    count = min(map(len, slices))
    parts = [_geometric(found[at].level for found in slices) for at in range(count)]
    return {
        "value": value,
        "low": min(value, *parts) if count > 1 else None,
        "high": max(value, *parts) if count > 1 else None,
        "seconds": item.base_s,
        "canary_s": _geometric(float(np.quantile(series.reference, FLOOR)) for series in each),
    }


def _geometric(logarithms: Iterator[float]) -> float:
    return math.exp(float(np.mean(list(logarithms))))
