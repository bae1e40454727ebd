"""What two runs have in common, metric by metric: single values per image, and times with their samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from lic_bench.compare.gates import TIMES
from lic_bench.compare.statistics import Apart, Evidence, Series, floor
from lic_bench.store.run_folder import Run

Better: TypeAlias = Literal["lower", "higher", None]
Row: TypeAlias = Mapping[str, Any]
Pair: TypeAlias = tuple[Row, Row]  # of BASE and of NEW

# Fields of a Record that have one value per image, and which way is better.
OF_RECORDS: Mapping[str, Better] = {
    "payload_bytes": "lower",
    "header_bytes": "lower",
    "bitstream_sha256": None,
    "mse_8bit": "lower",
    "ms_ssim": "higher",
    "decode_max_abs": "lower",
}
OF_COMPLEXITY: Mapping[str, Better] = {"macs": "lower", "parameters": "lower"}
STATUS = "status"
PEAK = "peak_"  # before the kinds of Record.peak_memory_bytes: peak_encode_rss
# What a metric's name begins with -> the part of --measure that gives it; what is not here comes with all parts.
PART_OF = {
    **{"mse_8bit": "quality", "ms_ssim": "quality", "encode_s": "latency", "decode_s": "latency"},
    **{PEAK: "memory", "macs": "complexity", "parameters": "complexity"},
}
# Ends of the kinds of peaks that are sampled, and may find nothing of a short call; that no other codec's memory is in.
SAMPLED = ("_children_rss", "_nvml_process", "_nvml_process_growth", "_nvml_device")
OWN = ("weights", "_growth", "_children_rss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a number belongs to. on: the data set, or for operations the counter, its path and the image size."""

    codec: str
    quality: int
    on: str
    metric: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """One value per image of each run: numbers, or texts where neither way is better. None: not measured there."""

    subject: Subject
    better: Better
    pairs: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """One operation's times in both runs.

    base_s, new_s: seconds as they were measured, the median over the images of what evidence goes by: floors of runs
    apart, medians of runs in turn.
    """

    subject: Subject
    evidence: Evidence
    base_s: float
    new_s: float


def metrics(base: Run, new: Run) -> list[Values | Times]:
    """Every metric that BASE has of what both runs measured, codec by codec. Of what failed in one only the status.

    Where the runs are of different codecs that share a process, what all of them have in memory is left out.
    """
    found: list[Values | Times] = []
    for (codec, quality, dataset), rows in paired_rows(base, new):
        found += _of_records(codec, quality, dataset, rows)
    by_counter = ["codec", "quality", "counter", "path", "height", "width"]
    for key, rows in _paired(base.complexity, new.complexity, by_counter, []):
        codec, quality, counter, path, height, width = key
        found += _single(codec, quality, f"{counter}, {path}, {width}x{height}", rows, OF_COMPLEXITY)
    wanted = [item for item in found if _comparable(item.subject.metric, base, new)]
    return sorted(wanted, key=lambda item: (item.subject.codec, item.subject.quality))


def better_of(metric: str) -> Better:
    """Which way a number is better, of a status the count of those that failed; None for texts."""
    known: Mapping[str, Better] = {**OF_RECORDS, **OF_COMPLEXITY, **dict.fromkeys((STATUS, *TIMES), "lower")}
    return "lower" if metric.startswith(PEAK) else known.get(metric)


def reference_ratio(base: Run, new: Run) -> float | None:
    """How much longer the reference workload took in NEW than in BASE, floor over floor; None without times."""
    base_s, new_s = ([s for row in run.records.canary_s for s in row] for run in (base, new))
    return float(floor(np.asarray(new_s)) / floor(np.asarray(base_s))) if base_s and new_s else None


def paired_rows(base: Run, new: Run) -> Iterator[tuple[tuple[Any, ...], list[Pair]]]:
    """(codec, quality, data set) -> the records of each image that both runs have."""
    return _paired(base.records, new.records, ["codec", "quality", "dataset"], ["image"])


def _of_records(codec: str, quality: int, dataset: str, rows: list[Pair]) -> Iterator[Values | Times]:
    yield from _single(codec, quality, dataset, rows, OF_RECORDS)
    rows = _both_ok(rows)
    for kind in sorted({kind for base, _ in rows for kind in base["peak_memory_bytes"]}):
        pairs = [(base["peak_memory_bytes"].get(kind), new["peak_memory_bytes"].get(kind)) for base, new in rows]
        if kind.endswith(SAMPLED):
            pairs = [pair for pair in pairs if None not in pair] or pairs
        yield from _values(Subject(codec=codec, quality=quality, on=dataset, metric=f"{PEAK}{kind}"), "lower", pairs)
    for name in TIMES:
        yield from _times(Subject(codec=codec, quality=quality, on=dataset, metric=name), rows)


def _single(codec: str, quality: int, on: str, rows: list[Pair], names: Mapping[str, Better]) -> Iterator[Values]:
    """The status of all rows, and of those that both have the fields of these names."""
    for name, among in ({STATUS: rows} | dict.fromkeys(names, _both_ok(rows))).items():
        subject = Subject(codec=codec, quality=quality, on=on, metric=name)
        yield from _values(subject, names.get(name), [(base[name], new[name]) for base, new in among])


def _values(subject: Subject, better: Better, pairs: Iterable[tuple[Any, Any]]) -> Iterator[Values]:
    plain = tuple((_plain(base), _plain(new)) for base, new in pairs)
    if any(base is not None for base, _ in plain):
        yield Values(subject=subject, better=better, pairs=plain)


def _times(subject: Subject, rows: list[Pair]) -> Iterator[Values | Times]:
    """As Values, where NEW lacks them, or the readings of the reference workload beside them."""
    name = subject.metric
    medians = [
        (float(np.median(base[name])), _median(new[name]) if new["canary_s"] or not base["canary_s"] else None)
        for base, new in rows
        if base[name]
    ]
    timed = [pair for pair in rows if all(row[name] and row["canary_s"] for row in pair)]
    if any(new is None for _, new in medians):
        yield from _values(subject, "lower", medians)
    elif timed:
        yield Times(
            subject=subject,
            evidence=Apart([(_series(base, name), _series(new, name)) for base, new in timed]),
            base_s=float(np.median([floor(np.asarray(base[name])) for base, _ in timed])),
            new_s=float(np.median([floor(np.asarray(new[name])) for _, new in timed])),
        )


def _comparable(metric: str, base: Run, new: Run) -> bool:
    """Whether both runs were to measure it, in a way that can be compared."""
    configs = [run.info.get("config", {}) for run in (base, new)]
    part = next((part for beginning, part in PART_OF.items() if metric.startswith(beginning)), None)
    if any(part and part not in config.get("measure", [part]) for config in configs):
        return False
    alone = all(config.get("isolate") for config in configs)
    alike = len({frozenset(config.get("codecs", ())) for config in configs}) == 1
    return not metric.startswith(PEAK) or alone or alike or metric.endswith(OWN)


def _both_ok(rows: list[Pair]) -> list[Pair]:
    return [pair for pair in rows if all(row[STATUS] == "ok" for row in pair)]


def _paired(
    base: pd.DataFrame, new: pd.DataFrame, group: list[str], within: list[str]
) -> Iterator[tuple[tuple[Any, ...], list[Pair]]]:
    """Key of the group -> the rows that both have, in BASE's order."""
    theirs: dict[Any, Any] = {tuple(row[name] for name in group + within): row for row in new.to_dict("records")}
    groups: dict[tuple[Any, ...], list[Pair]] = {}
    row: Any
    for row in base.to_dict("records"):
        if (other := theirs.get(tuple(row[name] for name in group + within))) is not None:
            groups.setdefault(tuple(row[name] for name in group), []).append((row, other))
    yield from groups.items()


def _plain(value: Any) -> Any:
    """A cell of a frame; None where pandas has NaN for it."""
    return None if isinstance(value, float) and np.isnan(value) else value


def _median(samples: list[float]) -> float | None:
    return float(np.median(samples)) if samples else None


def _series(row: Row, name: str) -> Series:
    return Series(np.log(np.asarray(row[name], np.float64)), np.log(np.asarray(row["canary_s"], np.float64)))
