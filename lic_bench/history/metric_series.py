"""The series of the history and the steps in them: at which commit, by how much, and whether someone accepted it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lic_bench.compare.accepted import Accepted, covering, extent
from lic_bench.compare.gates import Gate, Timed, Tolerance
from lic_bench.compare.metric_table import metric_of
from lic_bench.history.level_shifts import above, changes, levels, steps
from lic_bench.history.point import Key, Point, Value

State: TypeAlias = Literal["OPEN", "ACCEPTED", "MENDED", "BACK", "BETTER"]
Floats: TypeAlias = NDArray[np.float64]
NEAR = 1  # points by which a step in noise may be found beside its commit; what has no noise is found at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A new level from the point at `index` on.

    change: relative, None for texts and for what was 0. state: OPEN is a worsening that nobody accepted and that lasts;
    MENDED one that a later step took back; BACK a text that is again as it was at first or as someone accepted it.
    entry: under which it would be accepted if it is worse. other_software: whether libraries or settings changed here.
    """

    index: int
    before: Value
    after: Value
    change: float | None
    state: State
    entry: Accepted | None = None
    other_software: bool = False

    @property
    def accepted(self) -> Accepted | None:
        """The entry, where the step would be OPEN without it."""
        return self.entry if self.state == "ACCEPTED" else None


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one number by time, and its steps. levels: (start, stop, level) between them; [] for texts."""

    points: Sequence[Point]
    steps: Sequence[Step]
    levels: Sequence[tuple[int, int, float]] = field(default_factory=list)

    @property
    def last(self) -> Point:
        """The newest point; it names what the series is of."""
        return self.points[-1]

    @property
    def open(self) -> list[Step]:
        """The worsenings that somebody has to mend or accept."""
        return [step for step in self.steps if step.state == "OPEN"]


def series_of(points: Iterable[Point], accepted: Sequence[Accepted] = ()) -> list[Series]:
    """The series by machine, codec, quality, metric and data set. points: by time."""
    found: dict[Key, list[Point]] = {}
    for point in points:
        found.setdefault(point.series, []).append(point)
    order = sorted(found.values(), key=lambda rows: (rows[0].machine, rows[0].codec, rows[0].quality))
    return [_series(rows, accepted) for rows in order]


def unused(series: Iterable[Series], accepted: Sequence[Accepted]) -> list[tuple[int, Accepted]]:
    """(number in the file, entry) of those under which no step of the series comes."""
    used = [step.entry for one in series for step in one.steps]
    return [(number, entry) for number, entry in enumerate(accepted, 1) if not any(entry is one for one in used)]


def _series(points: Sequence[Point], accepted: Sequence[Accepted]) -> Series:
    values = [point.value for point in points]
    gate, near = metric_of(points[0].metric).gate, 0
    if any(isinstance(value, str) for value in values):
        starts, parts = changes(values), []
        heights: list[Value] = [values[start] for start in (0, *starts)]
    else:
        starts, near = _starts(np.asarray(values, np.float64), gate)
        parts = levels(np.asarray(values, np.float64), starts)
        heights = [level for *_, level in parts]
    found, fine = [], heights[:1]
    for place, start in enumerate(starts):
        before, after, later = heights[place], heights[place + 1], heights[place + 2 :]
        state = _direction(points[0].metric, before, after, later, gate)
        if isinstance(after, str) and after in fine:
            state = "BACK"
        step = _step(points, start, (before, after), state, near, accepted)
        fine += [after] if step.entry else []
        found.append(step)
    return Series(points, found, parts)


def _starts(values: Floats, gate: Gate) -> tuple[list[int], int]:
    """Where new levels begin, and by how many points that may be wrong.

    A step is one only if it is more than the gate of `lic-bench compare` lets pass.
    """
    if isinstance(gate, Timed) and np.all(values > 0):
        return steps(np.log(values), floor=math.log1p(gate.least)), NEAR
    if isinstance(gate, Tolerance) and gate.relative:
        return steps(values, floor=_tolerance(gate, float(np.median(values)))), NEAR
    within = gate.absolute if isinstance(gate, Tolerance) else 0.0
    starts = changes(values.tolist(), within)
    return (above(values, starts, within) if within else starts), 0


def _step(
    points: Sequence[Point],
    start: int,
    heights: tuple[Value, Value],
    state: State,
    near: int,
    accepted: Sequence[Accepted],
) -> Step:
    """heights: before and after. near: points by which the start may be beside the commit."""
    before, after = heights
    first, change, entry = points[start], None, None
    numbers = not isinstance(before, str)
    if isinstance(before, (int, float)) and isinstance(after, (int, float)) and before:
        change = after / before - 1
    if state in ("OPEN", "MENDED"):
        commits = {point.commit for point in points[max(0, start - near) : start + near + 1]}
        mine = [found for found in accepted if found.commit is None or _names(found.commit, commits)]
        entry = covering(mine, first.codec, first.quality, first.metric, extent(change, numbers=numbers))
    return Step(
        index=start,
        before=before,
        after=after,
        change=change,
        state="ACCEPTED" if entry and state == "OPEN" else state,
        entry=entry,
        other_software=first.software != points[start - 1].software,
    )


def _direction(metric: str, before: Value, after: Value, later: Sequence[Value], gate: Gate) -> State:
    """BETTER, or worse: OPEN as long as no later level is as good as that before."""
    if isinstance(before, str) or isinstance(after, str):
        return "MENDED" if before in later else "OPEN"
    sign = -1.0 if metric_of(metric).better == "higher" else 1.0
    if sign * (after - before) < 0:
        return "BETTER"
    slack = _slack(gate, before)
    mended = any(sign * (level - before) <= slack for level in later if not isinstance(level, str))
    return "MENDED" if mended else "OPEN"


def _slack(gate: Gate, level: float) -> float:
    """By how much a level may be worse than this one and still count as the same."""
    if isinstance(gate, Timed):
        return gate.least * level
    return _tolerance(gate, level) if isinstance(gate, Tolerance) else 0.0


def _tolerance(gate: Tolerance, level: float) -> float:
    return max(gate.relative * abs(level), gate.absolute)


def _names(beginning: str, commits: Iterable[str | None]) -> bool:
    """Whether it is one of the commits or the beginning of one; written out whole it may be longer than they are."""
    return any(commit and (commit.startswith(beginning) or beginning.startswith(commit)) for commit in commits)
