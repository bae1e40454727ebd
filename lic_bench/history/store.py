"""The files of the history: one of lines per machine, append-only, for several writers at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from lic_bench.errors import UserError
from lic_bench.history.checks import wrong
from lic_bench.history.point import Key, Point, from_json, to_json
from lic_bench.store import jsonl as lines
from lic_bench.store.json_types import parse
from lic_bench.system.file_lock import locked

SUFFIX = ".jsonl"
Kinds: TypeAlias = dict[Key, bool]  # series -> whether its values are texts


def add(points: Sequence[Point], folder: Path) -> int:
    """Append the points that are not there yet, one machine's in one write; how many these are.

    Waits for other writers. Raises UserError for a point that could not be read back and where the folder cannot be
    written; the lines before stay as they are.
    """
    for point in points:
        if told := wrong(to_json(point)):
            raise UserError(f"{point.codec} {point.quality}, {point.metric}: {told}; nothing was added.")
    added = 0
    with _writing(folder):
        for machine in dict.fromkeys(point.machine for point in points):
            path = folder / f"{machine}{SUFFIX}"
            there = {point.key for point in _of_file(path, {}, repair=True)}
            new = _unique([point for point in points if point.machine == machine and point.key not in there])
            if new:
                lines.append(path, "".join(json.dumps(to_json(point), allow_nan=False) + "\n" for point in new))
            added += len(new)
    return added


def differing(points: Sequence[Point], folder: Path) -> int:
    """How many of the points are there with another value: a run is added once, and as it was then."""
    machines = {point.machine for point in points}
    stored = _unique([point for name in machines for point in _of_file(folder / f"{name}{SUFFIX}", {})])
    there = {point.key: point.value for point in stored}
    return sum(there.get(point.key, point.value) != point.value for point in points)


def read(folder: Path) -> list[Point]:
    """Every point, by time. Of two with one key, as two branches may add them, the first counts."""
    kinds: Kinds = {}
    try:
        points = [point for path in sorted(folder.glob(f"*{SUFFIX}")) for point in _of_file(path, kinds)]
    except OSError as error:
        raise UserError(f"Cannot read {error.filename or folder}: {error.strerror}.") from None
    if not points:
        raise UserError(f"{folder} holds no history; add runs to it: lic-bench history add RUN --into {folder}")
    return sorted(_unique(points), key=lambda point: point.time)


def _unique(points: Sequence[Point]) -> list[Point]:
    found: dict[Key, Point] = {}
    for point in points:
        found.setdefault(point.key, point)
    return list(found.values())


def _of_file(path: Path, kinds: Kinds, *, repair: bool = False) -> list[Point]:
    """kinds: of the series so far; those of this file are added."""
    found = []
    for number, line in enumerate(lines.whole(path, repair=repair), 1):
        source = f"{path}, line {number}"
        try:
            values = parse(line)
        except ValueError:
            raise UserError(f"{source}: not JSON; remove that line.") from None
        point = from_json(values, source)
        is_text = isinstance(point.value, str)
        if kinds.setdefault(point.series, is_text) != is_text:
            kind, others = ("a text", "numbers") if is_text else ("a number", "texts")
            raise UserError(f"{source}: value = {point.value!r} is {kind} among {others}; remove that line.")
        found.append(point)
    return found


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """The folder, made if need be and held alone; what the system refuses becomes a UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock"):
            yield
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}; choose another --into.") from None
