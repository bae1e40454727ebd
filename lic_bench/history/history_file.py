"""The files of the history: JSON Lines, one per machine, append-only, for several writers at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from lic_bench.errors import UserError, hint
from lic_bench.history.point import Key, Point, parse_point, to_line
from lic_bench.store import jsonl
from lic_bench.system.file_lock import locked

SUFFIX = ".jsonl"
TextSeries: TypeAlias = dict[Key, bool]  # series -> whether its values are texts


def add(points: Sequence[Point], folder: Path) -> int:
    """Append the points that are not there yet, one machine's in one write; how many these are.

    Waits for other writers. Raises UserError for a point that could not be read back and where the folder cannot be
    written; the lines before stay as they are.
    """
    for point in points:
        parse_point(to_line(point), f"{point.codec} {point.quality}, {point.metric}", "nothing was added")
    added = 0
    with _writing(folder):
        for machine in dict.fromkeys(point.machine for point in points):
            path = folder / f"{machine}{SUFFIX}"
            stored = {point.key for point in _read_file(path, {}, repair=True)}
            new = _unique([point for point in points if point.machine == machine and point.key not in stored])
            if new:
                jsonl.append(path, "".join(map(to_line, new)))
            added += len(new)
    return added


def differing(points: Sequence[Point], folder: Path) -> int:
    """How many of the points are there with another value: a run is added once, and as it was then."""
    machines = {point.machine for point in points}
    stored = _unique([point for name in machines for point in _read_file(folder / f"{name}{SUFFIX}", {})])
    value_of = {point.key: point.value for point in stored}
    return sum(value_of.get(point.key, point.value) != point.value for point in points)


def read(folder: Path) -> list[Point]:
    """Every point, by time. Of two with one key, as two branches may add them, the first counts."""
    text_series: TextSeries = {}
    try:
        points = [point for path in sorted(folder.glob(f"*{SUFFIX}")) for point in _read_file(path, text_series)]
    except OSError as error:
        raise UserError(f"Cannot read {error.filename or folder}: {error.strerror}.") from None
    if not points:
        near = hint(str(folder), map(str, _histories_in(folder.parent)))
        raise UserError(f"{folder} holds no history.{near} Add runs to it: lic-bench history add RUN --into {folder}")
    return sorted(_unique(points), key=lambda point: point.time)


def _histories_in(parent: Path) -> set[Path]:
    """The folders there that hold JSON Lines and are no runs."""
    return {file.parent for file in parent.glob(f"*/*{SUFFIX}") if not (file.parent / "run.json").exists()}


def _unique(points: Sequence[Point]) -> list[Point]:
    first_of: dict[Key, Point] = {}
    for point in points:
        first_of.setdefault(point.key, point)
    return list(first_of.values())


def _read_file(path: Path, text_series: TextSeries, *, repair: bool = False) -> list[Point]:
    """text_series: of the files before; the series of this file are added."""
    points = []
    for number, line in enumerate(jsonl.whole_lines(path, repair=repair), 1):
        source = f"{path}, line {number}"
        point = parse_point(line, source)
        is_text = isinstance(point.value, str)
        if text_series.setdefault(point.series, is_text) != is_text:
            kind, others = ("a text", "numbers") if is_text else ("a number", "texts")
            raise UserError(f"{source}: value = {point.value!r} is {kind} among {others}; remove that line.")
        points.append(point)
    return points


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """The folder, made if need be, for one writer at a time; what the system refuses becomes a UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock"):
            yield
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}; choose another --into.") from None
