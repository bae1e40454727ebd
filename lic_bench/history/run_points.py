"""From a stored run to the points of the history."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias, cast

import numpy as np

from lic_bench.compare.metric_table import STATUS, metric_of
from lic_bench.compare.paired_values import Subject, Times, Values, paired_values, without_shared_memory
from lic_bench.compare.statistics import Apart, floor
from lic_bench.errors import UserError
from lic_bench.history.machine_name import machine_name, short_hash, software_hash
from lic_bench.history.point import RELATIVE, Point
from lic_bench.report.frames.image_sets import records_of_usable
from lic_bench.store.run_folder import Run
from lic_bench.store.run_json import is_elsewhere

ImageHashes: TypeAlias = Mapping[str, str]  # of all images under STATUS, of those not failed under "ok"
OF_OPERATIONS: ImageHashes = {STATUS: "", "ok": ""}
DIRTY = re.compile(r"-dirty(-[0-9a-f]{8})?$")
DESCRIBED = re.compile(r".*-g([0-9a-f]{7,40})")  # by `git describe`, behind the nearest tag


def points_of(run: Run) -> list[Point]:
    """Every number that `lic-bench compare` extracts from the run: each commit's part is compared with itself.

    Without incomplete data sets, of which images are missing at that codec, quality and commit.
    Raises UserError for a run that does not say when and on what machine it was made.
    """
    if is_elsewhere(run.info):
        raise UserError(
            f"{run.folder} was coded elsewhere, by no commit of lic-bench; the history keeps runs of `run`."
        )
    for part, what in (("environment", "time"), ("fingerprint", "machine")):
        info = run.info.get(part)
        if not info or (what == "time" and not info.get(what)):
            raise UserError(f"{run.folder}: its run.json does not tell its {what} ({part}); measure again to add it.")
    return [point for part in run.by_commit() for point in _points_of_commit(part)]


def _points_of_commit(run: Run) -> list[Point]:
    values = paired_values(run, run)
    if len(run.info.get("config", {}).get("codecs", ())) > 1:
        values = without_shared_memory(values, run)
    images = _hashes_of_images(run)
    return [point for item in values if (point := _point(item, run, images)) is not None]


def _point(item: Values | Times, run: Run, images: Mapping[tuple[str, int, str], ImageHashes | None]) -> Point | None:
    """The point, or None for an incomplete data set and if all values are missing."""
    subject = item.subject
    hashes = images.get((subject.codec, subject.quality, subject.on), OF_OPERATIONS)
    numbers = _numbers_of_times(item) if isinstance(item, Times) else _numbers_of_values(item)
    if hashes is None or numbers is None:
        return None
    metric = metric_of(subject.metric)
    unit, which = RELATIVE if metric.is_time else metric.unit, STATUS if subject.metric == STATUS else "ok"
    return Point(**_origin(run, subject), images=hashes[which], unit=unit, **numbers)


def commit_of(described: str | None) -> tuple[str | None, bool | None]:
    """(commit, dirty) of what run.json says of the code, in older runs by `git describe`."""
    if not described:
        return None, None
    name = DIRTY.sub("", described)
    match = DESCRIBED.fullmatch(name)
    return (match[1] if match else name), name != described


def _origin(run: Run, subject: Subject) -> dict[str, Any]:
    """The fields of a point that say what was measured, where and how."""
    config, fingerprint, environment = (run.info.get(part, {}) for part in ("config", "fingerprint", "environment"))
    commit, dirty = commit_of(environment.get("git_commit"))
    return {
        "time": environment.get("time", ""),
        "commit": commit,
        "dirty": dirty,
        "lic_bench": environment.get("lic_bench", ""),
        "machine": machine_name(fingerprint),
        "software": software_hash(fingerprint, subject.codec),
        **{name: config.get(name, "") for name in ("protocol", "device")},
        **{name: config.get(name) for name in ("threads", "isolate", "quick")},
        "cores_kept": fingerprint.get("cores_kept"),
        "weights": config.get("weights", {}).get(subject.codec, {}).get(str(subject.quality)),
        "mode": config.get("modes", {}).get(subject.codec),
        **asdict(subject),
    }


def _hashes_of_images(run: Run) -> dict[tuple[str, int, str], ImageHashes | None]:
    """(codec, quality, data set) -> hashes of all images and of those that did not fail; None if some are missing."""
    asked = run.info.get("config", {}).get("images", {})
    hashes_of: dict[tuple[str, int, str], ImageHashes | None] = {}
    key: Any
    for key, rows in records_of_usable(run).groupby(["codec", "quality", "dataset"], sort=False):
        parts = {STATUS: rows, "ok": rows[rows.status == "ok"]}
        hashes = {name: short_hash(sorted(zip(p.image, p.image_sha256, strict=True))) for name, p in parts.items()}
        hashes_of[key] = hashes if len(rows) >= asked.get(key[-1], 0) else None
    return hashes_of


def _numbers_of_values(item: Values) -> dict[str, Any] | None:
    """The value: how many failed; a hash of all texts; the mean of numbers. None if all are missing."""
    values = [value for value, _ in item.pairs if value is not None]
    if not values:
        return None
    if item.subject.metric == STATUS:
        return {"value": float(sum(value != "ok" for value in values))}
    if isinstance(values[0], str):
        return {"value": short_hash(values)}
    return {"value": math.fsum(values) / len(values)}  # rounded once: another order or numpy would look like a change


def _numbers_of_times(item: Times) -> dict[str, Any]:
    images = [series for series, _ in cast(Apart, item.evidence).strata]  # a run's own times are never in turn
    value = _geometric_mean(series.level for series in images)
    slices = [series.slices() for series in images]
    count = min(map(len, slices))
    parts = [_geometric_mean(parts[place].level for parts in slices) for place in range(count)]
    return {
        "value": value,
        "low": min(value, *parts) if count > 1 else None,
        "high": max(value, *parts) if count > 1 else None,
        "seconds": item.base_s,
        "canary_s": _geometric_mean(float(floor(series.reference)) for series in images),
    }


def _geometric_mean(logarithms: Iterator[float]) -> float:
    return math.exp(float(np.mean(list(logarithms))))
