"""The history in the terminal: its series and the steps in them."""

from collections.abc import Sequence
from dataclasses import replace

from lic_bench.history.metric_series import Series, Step
from lic_bench.history.wording import commit_of, day_of, distinctions, last_of, pair_of, range_of
from lic_bench.report.labels import plural
from lic_bench.report.tables.table import Cell, Column, Row, Table, text_cell

MANY = 30  # series from which on only those with steps are listed unless all are asked for
SERIES = (
    Column("codec", "Codec", align="left"),
    Column("quality", "q"),
    Column("on", "on", align="left", optional=True),
    Column("metric", "Metric", align="left"),
    Column("points", "Points"),
    Column("last", "Last"),
    Column("commit", "Commit", align="left", optional=True),
    Column("date", "Date", align="left", optional=True),
    Column("steps", "Steps", align="left"),
)
STEPS = (
    Column("state", "State", align="left"),
    Column("codec", "Codec", align="left"),
    Column("quality", "q", align="left"),
    Column("metric", "Metric", align="left"),
    Column("change", "Change"),
    Column("commit", "Commit", align="left"),
    Column("date", "Date", align="left", optional=True),
    Column("on", "on", align="left", optional=True),
    Column("levels", "From, to", align="left", optional=True),
)
CAPTION = (
    "OPEN: worse, and nobody accepted it. MENDED: a later step took it back. BACK: as at first, or as accepted. "
    "Commit: the first measured at the new level; of times it may be the one beside it. "
    "Of times and memory, slow drift can look like steps, and a level counts from its third run on."
)
SOFTWARE = "libraries or settings changed at the same time"


def series_table(series: Sequence[Series], *, everything: bool = False) -> Table:
    """One row per series of one machine. Of many only those with steps, unless `everything` is asked for."""
    named = list(zip(series, _datasets_of(series), strict=True))
    shown = [pair for pair in named if everything or len(series) <= MANY or pair[0].steps]
    runs = {(point.time, point.commit) for member in series for point in member.points}
    caption = f"Times as multiples of the reference workload's. {len(series)} series of {plural(len(runs), 'run')}."
    if len(shown) < len(series):
        caption += f" {len(series) - len(shown)} without a step are not listed (--all)."
    rows = [Row("measured", _series_cells(member, on)) for member, on in shown]
    return Table("history", f"Series on {series[0].last.machine}", caption, _columns(SERIES, series), rows)


def steps_table(series: Sequence[Series]) -> Table:
    """One row per step on one machine, by time; steps of several qualities at one commit share a row."""
    named = zip(series, _datasets_of(series), strict=True)
    steps = [(member, step, on) for member, on in named for step in member.steps]
    groups: dict[tuple[str, ...], list[tuple[Series, Step]]] = {}
    for member, step, on in sorted(steps, key=lambda row: _time_order(*row)):
        point = member.points[step.index]
        key = (on, point.codec, point.metric, point.time, step.state, *_notes(step))
        groups.setdefault(key, []).append((member, step))
    rows = [Row("measured", _step_cells(group, key[0])) for key, group in groups.items()]
    return Table("steps", "Steps", CAPTION, _columns(STEPS, series), rows)


def _columns(columns: Sequence[Column], series: Sequence[Series]) -> list[Column]:
    """The columns; that of the data set is never left out if it distinguishes series."""
    plain = {(member.last.codec, member.last.quality, member.last.metric) for member in series}
    needed = len(plain) < len(series)
    return [replace(column, optional=column.optional and not (needed and column.key == "on")) for column in columns]


def _datasets_of(series: Sequence[Series]) -> list[str]:
    """The data set of each series, with what else distinguishes it."""
    named = zip(series, distinctions(series), strict=True)
    return [", ".join(filter(None, (member.last.on, distinction))) for member, distinction in named]


def _series_cells(series: Series, on: str) -> dict[str, Cell]:
    last, open_steps = series.last, len(series.open)
    steps = str(len(series.steps) or "none") + (f", {open_steps} OPEN" if open_steps else "")
    return {
        "codec": text_cell(last.codec),
        "quality": Cell(str(last.quality), last.quality),
        "on": text_cell(on),
        "metric": text_cell(last.metric),
        "points": Cell(str(len(series.points)), len(series.points)),
        "last": Cell(last_of(last), last.value),
        "commit": text_cell(commit_of(last)),
        "date": text_cell(day_of(last)),
        "steps": Cell(steps, steps, best=open_steps > 0),
    }


def _step_cells(group: Sequence[tuple[Series, Step]], on: str) -> dict[str, Cell]:
    series, step = group[0]
    point = series.points[step.index]
    levels = ", ".join(pair_of(step.before, step.after, point.unit)) if len(group) == 1 else ""
    return {
        "state": Cell(step.state, step.state, _notes(step), best=step.state == "OPEN"),
        "codec": text_cell(point.codec),
        "quality": text_cell(", ".join(str(series.last.quality) for series, _ in group)),
        "metric": text_cell(point.metric),
        "change": Cell(range_of([step for _, step in group], point.unit), step.change),
        "commit": text_cell(commit_of(point)),
        "date": text_cell(day_of(point)),
        "on": text_cell(on),
        "levels": text_cell(levels),
    }


def _notes(step: Step) -> tuple[str, ...]:
    """Notes on the step: who accepted it, and whether software changed too."""
    return tuple(filter(None, (str(step.accepted or ""), SOFTWARE if step.other_software else "")))


def _time_order(series: Series, step: Step, on: str) -> tuple[str, str, str, str]:
    return series.points[step.index].time, series.last.codec, series.last.metric, on
