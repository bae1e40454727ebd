"""What two runs both measured, metric by metric: a pair of values per image, or of times all samples."""

from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from lic_bench.compare.metric_table import PEAK, STATUS, TABLE, TIMES, metric_of
from lic_bench.compare.statistics import Apart, Evidence, Series, floor
from lic_bench.spec import variant_order
from lic_bench.store.run_folder import Run

Row: TypeAlias = Mapping[str, Any]
Pair: TypeAlias = tuple[Row, Row]  # of BASE and of NEW
OF_RECORDS = [metric.name for metric in TABLE if metric.field_of == "record" and not metric.is_time]
OF_COMPLEXITY = [metric.name for metric in TABLE if metric.field_of == "complexity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a number belongs to. on: the data set, or for operations the counter, its path and the image size."""

    codec: str
    quality: int
    on: str
    metric: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """One value per image of each run: all numbers, or all texts. None: not measured there."""

    subject: Subject
    pairs: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """One operation's times in both runs.

    base_s, new_s: seconds as they were measured, one value per image (the floor of its samples where the runs were made
    apart, their median where in turn), and of these values the median.
    """

    subject: Subject
    evidence: Evidence
    base_s: float
    new_s: float


def paired_values(base: Run, new: Run) -> list[Values | Times]:
    """Every metric that BASE has, of the images and counters that both runs have, by codec and quality.

    An image that failed in either run has only a status. If the runs are of different codecs, memory that includes that
    of other codecs is left out.
    """
    values: list[Values | Times] = []
    for (codec, quality, dataset), rows in paired_rows(base, new):
        values += _of_records(codec, quality, dataset, rows)
    by_counter = ["codec", "quality", "counter", "path", "height", "width"]
    for key, rows in _paired(base.complexity, new.complexity, by_counter, []):
        codec, quality, counter, path, height, width = key
        values += _of_fields(codec, quality, f"{counter}, {path}, {width}x{height}", rows, OF_COMPLEXITY)
    wanted = [item for item in values if _both_asked(item.subject.metric, base, new)]
    codecs = [set(run.info.get("config", {}).get("codecs", ())) for run in (base, new)]
    if codecs[0] != codecs[1]:
        wanted = without_shared_memory(wanted, base, new)
    return sorted(wanted, key=lambda item: (variant_order(item.subject.codec), item.subject.quality))


def without_shared_memory(values: Iterable[Values | Times], *runs: Run) -> list[Values | Times]:
    """The values without memory that includes that of other codecs, if codecs of a run shared a process."""
    shared = not all(run.info.get("config", {}).get("isolate") for run in runs)
    return [item for item in values if not (shared and metric_of(item.subject.metric).is_shared)]


def reference_ratio(base: Run, new: Run) -> float | None:
    """How much longer the reference workload took in NEW than in BASE, floor over floor; None without times."""
    base_s, new_s = ([s for row in run.records.canary_s for s in row] for run in (base, new))
    return float(floor(np.asarray(new_s)) / floor(np.asarray(base_s))) if base_s and new_s else None


def paired_rows(base: Run, new: Run) -> ItemsView[tuple[Any, ...], list[Pair]]:
    """(codec, quality, data set) -> the records of each image that both runs have."""
    return _paired(base.records, new.records, ["codec", "quality", "dataset"], ["image"])


def _of_records(codec: str, quality: int, dataset: str, rows: list[Pair]) -> Iterator[Values | Times]:
    yield from _of_fields(codec, quality, dataset, rows, OF_RECORDS)
    rows = _both_ok(rows)
    for kind in sorted({kind for base, _ in rows for kind in base["peak_memory_bytes"]}):
        subject = Subject(codec=codec, quality=quality, on=dataset, metric=f"{PEAK}{kind}")
        pairs = [(base["peak_memory_bytes"].get(kind), new["peak_memory_bytes"].get(kind)) for base, new in rows]
        if metric_of(subject.metric).is_sampled:
            pairs = [pair for pair in pairs if None not in pair] or pairs
        yield from _values(subject, pairs)
    for name in TIMES:
        yield from _times(Subject(codec=codec, quality=quality, on=dataset, metric=name), rows)


def _of_fields(codec: str, quality: int, on: str, rows: list[Pair], names: Sequence[str]) -> Iterator[Values]:
    """The status of all rows, and the fields of these names where both rows are ok."""
    for name, pairs in ({STATUS: rows} | dict.fromkeys(names, _both_ok(rows))).items():
        subject = Subject(codec=codec, quality=quality, on=on, metric=name)
        yield from _values(subject, [(base[name], new[name]) for base, new in pairs])


def _values(subject: Subject, pairs: Iterable[tuple[Any, Any]]) -> Iterator[Values]:
    plain = tuple((_plain(base), _plain(new)) for base, new in pairs)
    if any(base is not None for base, _ in plain):
        yield Values(subject=subject, pairs=plain)


def _times(subject: Subject, rows: list[Pair]) -> Iterator[Values | Times]:
    """The times as Times; as Values if NEW lacks them or the readings of the reference workload beside them."""
    name = subject.metric
    medians = [
        (float(np.median(base[name])), _median(new[name]) if new["canary_s"] or not base["canary_s"] else None)
        for base, new in rows
        if base[name]
    ]
    timed = [pair for pair in rows if all(row[name] and row["canary_s"] for row in pair)]
    if any(new is None for _, new in medians):
        yield from _values(subject, medians)
    elif timed:
        evidence = Apart([(_series(base, name), _series(new, name)) for base, new in timed])
        floors = [[floor(np.asarray(row[name])) for row in pair] for pair in timed]
        base_s, new_s = np.median(floors, axis=0).tolist()
        yield Times(subject=subject, evidence=evidence, base_s=base_s, new_s=new_s)


def _both_asked(name: str, base: Run, new: Run) -> bool:
    """Whether both runs were to measure the part to which the metric belongs."""
    part = metric_of(name).part
    return part is None or all(part in run.info.get("config", {}).get("measure", [part]) for run in (base, new))


def _both_ok(rows: list[Pair]) -> list[Pair]:
    return [pair for pair in rows if all(row[STATUS] == "ok" for row in pair)]


def _paired(
    base: pd.DataFrame, new: pd.DataFrame, group: list[str], within: list[str]
) -> ItemsView[tuple[Any, ...], list[Pair]]:
    """Key of the group -> the rows that both have, in BASE's order."""
    theirs: dict[Any, Any] = {tuple(row[name] for name in group + within): row for row in new.to_dict("records")}
    groups: dict[tuple[Any, ...], list[Pair]] = {}
    row: Any
    for row in base.to_dict("records"):
        if (other := theirs.get(tuple(row[name] for name in group + within))) is not None:
            groups.setdefault(tuple(row[name] for name in group), []).append((row, other))
    return groups.items()


def _plain(value: Any) -> Any:
    """A cell of a frame, None for NaN."""
    return None if isinstance(value, float) and np.isnan(value) else value


def _median(samples: list[float]) -> float | None:
    return float(np.median(samples)) if samples else None


def _series(row: Row, name: str) -> Series:
    return Series(np.log(np.asarray(row[name], np.float64)), np.log(np.asarray(row["canary_s"], np.float64)))
