"""The series of each metric over the commits, and their steps: where, how large, accepted or not."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from lic_bench.compare.accepted import Accepted, covering_entry, extent_to_cover
from lic_bench.compare.gates import Gate, Timed, Tolerance
from lic_bench.compare.metric_table import metric_of
from lic_bench.compare.statistics import Floats
from lic_bench.history.level_shifts import drop_small_steps, find_changes, find_steps, levels
from lic_bench.history.point import Key, Point, Value
from lic_bench.spec import variant_order

State: TypeAlias = Literal["OPEN", "ACCEPTED", "MENDED", "BACK", "BETTER"]

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
        """The entry, if the step would be OPEN without it."""
        return self.entry if self.state == "ACCEPTED" else None


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one number by time, and its steps. levels: (start, stop, level) between them; [] for texts."""

    points: Sequence[Point]
    steps: Sequence[Step]
    levels: Sequence[tuple[int, int, float]] = field(default_factory=list)

    @property
    def last(self) -> Point:
        """The newest point, whose fields name the series."""
        return self.points[-1]

    @property
    def open(self) -> list[Step]:
        """The worsenings that somebody has to mend or accept."""
        return [step for step in self.steps if step.state == "OPEN"]


def series_of(points: Iterable[Point], accepted: Sequence[Accepted] = ()) -> list[Series]:
    """The series by machine, codec, quality, metric and data set. points: by time."""
    by_series: dict[Key, list[Point]] = {}
    for point in points:
        by_series.setdefault(point.series, []).append(point)
    order = sorted(
        by_series.values(), key=lambda rows: (rows[0].machine, variant_order(rows[0].codec), rows[0].quality)
    )
    return [_with_steps(rows, accepted) for rows in order]


def unused(series: Iterable[Series], accepted: Sequence[Accepted]) -> list[tuple[int, Accepted]]:
    """(number in the file, entry) of those under which no step of the series comes."""
    used = [step.entry for each in series for step in each.steps]
    return [(number, entry) for number, entry in enumerate(accepted, 1) if not any(entry is other for other in used)]


def _with_steps(points: Sequence[Point], accepted: Sequence[Accepted]) -> Series:
    values = [point.value for point in points]
    gate, near = metric_of(points[0].metric).gate, 0
    if any(isinstance(value, str) for value in values):
        starts, parts = find_changes(values), []
        heights: list[Value] = [values[start] for start in (0, *starts)]
    else:
        starts, near = _starts(np.asarray(values, np.float64), gate)
        parts = levels(np.asarray(values, np.float64), starts)
        heights = [level for *_, level in parts]
    shifts, good_texts = [], heights[:1]
    for place, start in enumerate(starts):
        before, after, later = heights[place], heights[place + 1], heights[place + 2 :]
        is_back = isinstance(after, str) and after in good_texts
        step = Step(
            index=start,
            before=before,
            after=after,
            change=_relative_change(before, after),
            state="BACK" if is_back else _state_of(points[0].metric, before, after, later, gate),
            other_software=points[start].software != points[start - 1].software,
        )
        if step.state in ("OPEN", "MENDED"):
            step = _with_entry(step, points[max(0, start - near) : start + near + 1], accepted)
        good_texts += [after] if step.entry else []
        shifts.append(step)
    return Series(points, shifts, parts)


def _starts(values: Floats, gate: Gate) -> tuple[list[int], int]:
    """Where new levels begin, and by how many points each start may be off.

    A step is larger than the gate of `lic-bench compare` lets pass.
    """
    if isinstance(gate, Timed) and np.all(values > 0):
        return find_steps(np.log(values), floor=math.log1p(gate.least)), NEAR
    if isinstance(gate, Tolerance) and gate.relative:
        return find_steps(values, floor=gate.allowed(float(np.median(values)))), NEAR
    within = gate.absolute if isinstance(gate, Tolerance) else 0.0
    starts = find_changes(values.tolist(), within)
    return (drop_small_steps(values, starts, within) if within else starts), 0


def _relative_change(before: Value, after: Value) -> float | None:
    return None if isinstance(before, str) or isinstance(after, str) or not before else after / before - 1


def _with_entry(step: Step, nearby: Sequence[Point], accepted: Sequence[Accepted]) -> Step:
    """The worsening with the entry that accepts it, if any does. nearby: the points at one of which it began."""
    point, commits = nearby[0], {point.commit for point in nearby}
    candidates = [entry for entry in accepted if entry.commit is None or _names(entry.commit, commits)]
    extent = extent_to_cover(step.change, numbers=not isinstance(step.before, str))
    entry = covering_entry(candidates, point.codec, point.quality, point.metric, extent)
    return replace(step, entry=entry, state="ACCEPTED" if entry and step.state == "OPEN" else step.state)


def _state_of(metric: str, before: Value, after: Value, later: Sequence[Value], gate: Gate) -> State:
    """BETTER, or worse: MENDED if a later level is as good as that before, else OPEN."""
    if isinstance(before, str) or isinstance(after, str):
        return "MENDED" if before in later else "OPEN"
    sign = -1.0 if metric_of(metric).better == "higher" else 1.0
    if sign * (after - before) < 0:
        return "BETTER"
    slack = _slack(gate, before)
    mended = any(sign * (level - before) <= slack for level in later if not isinstance(level, str))
    return "MENDED" if mended else "OPEN"


def _slack(gate: Gate, level: float) -> float:
    """How much worse another level may be and still count as the same."""
    if isinstance(gate, Timed):
        return gate.least * level
    return gate.allowed(level) if isinstance(gate, Tolerance) else 0.0


def _names(beginning: str, commits: Iterable[str | None]) -> bool:
    """Whether it abbreviates one of the commits; written out whole it may be longer than they are."""
    return any(commit and (commit.startswith(beginning) or beginning.startswith(commit)) for commit in commits)
