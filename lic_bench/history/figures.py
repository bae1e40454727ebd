"""The series of the history as figures: the points, the levels between the steps, and the steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lic_bench.compare.metric_table import FAILED_IMAGES, metric_of
from lic_bench.errors import UserError
from lic_bench.history.metric_series import Series, State
from lic_bench.history.point import Point
from lic_bench.history.wording import SHORT, apart, change_of, commit_of, day_of
from lic_bench.report.build import DRAWING
from lic_bench.report.figures import INK, dress
from lic_bench.report.labels import dataset_label, label_of
from lic_bench.report.style import look

FORMATS = ("png", "svg")
MOST = 12  # panels of a figure
COLUMNS = 3
PANEL = (3.9, 2.15)  # inches
TICKS = 4  # commits that have a label below a panel
TEXTS = 4  # different texts that have a label
LEAST_SPAN = 0.04  # of the middle: noise smaller than that is not blown up to the height of a panel
ROOM = 0.16  # share of a panel's height for each row of labels above the points
ROWS = 3
LETTER = 0.62  # of the font's size, its width
FONT = 7.5
LOOKS: Mapping[State, tuple[str, Any, str]] = {
    "OPEN": ("#c1121f", "-", "worse, OPEN"),
    "ACCEPTED": ("#4b5563", (0, (4, 2)), "worse, accepted"),
    "MENDED": ("#6b7480", (0, (1.5, 1.5)), "worse, taken back since"),
    "BACK": ("#1d4e89", (0, (3, 3)), "as before"),
    "BETTER": ("#2d7d32", (0, (5, 1.5, 1.5, 1.5)), "better"),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure and the stem of its files."""

    name: str
    figure: Figure


def write_figures(series: Sequence[Series], out: Path) -> list[Path]:
    """Draw the series into the folder `out`, each figure as PNG and SVG; the files. Raises UserError."""
    paths = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(DRAWING):
            for drawn in figures(series):
                lay_out(drawn.figure)
                for suffix in FORMATS:
                    path = out / f"{drawn.name}.{suffix}"
                    drawn.figure.savefig(path, metadata={"Date": None} if suffix == "svg" else {})
                    paths.append(path)
    except OSError as error:
        raise UserError(f"Cannot write to {out}: {error.strerror or error}; choose another --out.") from None
    return paths


def lay_out(figure: Figure) -> None:
    """Place everything once for all formats, at the resolution of the files: letters are not as wide at another one."""
    figure.set_dpi(matplotlib.rcParams["savefig.dpi"])
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def figures(series: Sequence[Series]) -> Iterator[Drawn]:
    """A figure per machine and metric, of many panels several: a codec's stay together while they fit."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for one in series:
        groups.setdefault((one.last.machine, one.last.metric), []).append(one)
    for (machine, metric), mine in groups.items():
        pages = _pages(mine)
        for number, page in enumerate(pages, 1):
            yield Drawn(f"{machine}_{metric}" + (f"_{number}" if len(pages) > 1 else ""), history_figure(page))


def history_figure(series: Sequence[Series]) -> Figure:
    """A panel per series of one machine and metric, over the runs in their order, with the same runs below all."""
    columns = min(COLUMNS, len(series))
    rows = -(-len(series) // columns)
    figure = Figure(figsize=(max(columns * PANEL[0], 5.2), rows * PANEL[1] + 1.3), layout="constrained")
    FigureCanvasAgg(figure)
    several = list(figure.subplots(rows, columns, squeeze=False, sharex=True).flat)
    runs = list({(p.time, p.commit): p for one in series for p in one.points}.values())
    runs.sort(key=lambda point: point.time)
    places = {(point.time, point.commit): place for place, point in enumerate(runs)}
    datasets = {one.last.on for one in series}
    for axes, one, more in zip(several, series, apart(series), strict=False):
        dress(axes)
        x = [places[point.time, point.commit] for point in one.points]
        _panel(axes, one, x, len(runs), PANEL[0] * 72 * 0.82)
        on = dataset_label(one.last.on) if len(datasets) > 1 else ""
        title = ", ".join(filter(None, (f"{label_of(one.last.codec)} q{one.last.quality}", on, more)))
        axes.set_title(title, loc="left", fontsize=9, fontweight="bold", color=INK)
    for place, axes in enumerate(several):
        axes.set_visible(place < len(series))
        _runs(axes, runs, labelled=place + columns >= len(series))
    _around(figure, series, datasets)
    return figure


def _pages(series: Sequence[Series]) -> list[list[Series]]:
    """In parts of MOST panels or fewer; a codec begins a new one rather than being cut."""
    by_codec: dict[str, list[Series]] = {}
    for one in series:
        by_codec.setdefault(one.last.codec, []).append(one)
    pages: list[list[Series]] = []
    for mine in by_codec.values():
        parts = [mine[start : start + MOST] for start in range(0, len(mine), MOST)]
        if pages and len(pages[-1]) + len(parts[0]) <= MOST:
            pages[-1] += parts.pop(0)
        pages += parts
    return pages


def _panel(axes: Axes, one: Series, x: Sequence[int], runs: int, width: float) -> None:
    """x: the run of each point. width: of the panel, in points."""
    scale, style = _scale(one.last)[0], look(one.last.codec)
    y = _heights(one, scale)
    bounds = [
        (place, p.low / scale, p.high / scale)
        for place, p in zip(x, one.points, strict=True)
        if p.low is not None and p.high is not None
    ]
    for place, low, high in bounds:
        axes.plot([place, place], [low, high], color=style.colour, linewidth=1.0, alpha=0.35, zorder=2)
    size = 5.0 if runs <= 30 else 3.0
    axes.plot(x, y, color=style.colour, linestyle="none", marker=style.marker, markersize=size, zorder=3)
    for start, stop, level in one.levels:
        ends = [x[start] - 0.4, x[stop - 1] + 0.4]
        axes.plot(ends, [level / scale] * 2, color=INK, linewidth=1.3, solid_capstyle="butt", zorder=4)
    axes.set_xlim(-0.6, max(runs - 0.4, 0.6))
    used = [*y, *(low for _, low, _ in bounds), *(high for *_, high in bounds)]
    rows = _marks(axes, one, x, runs, width)
    _span(axes, used, rows, _least_span(one, used))
    if _is_text(one):
        _text_ticks(axes, one)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=_counts(one)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.tick_params(labelsize=FONT)


def _marks(axes: Axes, one: Series, x: Sequence[int], runs: int, width: float) -> int:
    """A line per step with its change beside it; how many rows these labels take. What has no room has no label."""
    taken = [0.0] * ROWS  # up to where each row is full, in points
    used = 0
    per_run = width / max(runs, 1)
    for step in one.steps:
        colour, dashes, _ = LOOKS[step.state]
        at = (x[step.index - 1] + x[step.index]) / 2
        axes.axvline(at, color=colour, linewidth=1.1, linestyle=dashes, zorder=1)
        label = "" if _is_text(one) else change_of(step, one.last.unit)
        needed = len(label) * FONT * LETTER + 4
        left = (at + 0.6) * per_run
        fits_right = left + needed <= width + 4
        begin = left if fits_right else left - needed
        row = next((row for row in range(ROWS) if taken[row] <= begin), None)
        if not label or row is None:
            continue
        taken[row] = begin + needed
        used = max(used, row + 1)
        place: Any = {"xytext": (3 if fits_right else -3, -1 - row * (FONT + 2)), "textcoords": "offset points"}
        place |= {"ha": "left" if fits_right else "right", "va": "top", "annotation_clip": False}
        place["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6}
        axes.annotate(
            label, (at, 1.0), xycoords=axes.get_xaxis_transform(), fontsize=FONT, color=colour, zorder=5, **place
        )
    return used


def _span(axes: Axes, values: Sequence[float], rows: int, least: float) -> None:
    """Limits with room for the labels above, and never so narrow that mere noise fills them."""
    low, high = min(values), max(values)
    lacking = max(0.0, least - (high - low)) / 2
    low, high = low - lacking, high + lacking
    height = (high - low) / (1 - 0.2 - ROOM * rows)
    axes.set_ylim(low - 0.1 * height, low - 0.1 * height + height)


def _least_span(one: Series, values: Sequence[float]) -> float:
    """The height that a panel shows at least: of times some percent, of other numbers what they span."""
    low, high = min(values), max(values)
    if _is_text(one) or _counts(one):
        return 1.0
    noisy = one.last.low is not None
    return LEAST_SPAN * abs(low + high) / 2 or 1.0 if noisy or low == high else 0.0


def _runs(axes: Axes, runs: Sequence[Point], *, labelled: bool) -> None:
    """Ticks at few of the runs, the last among them, with commit and day."""
    shown = list(range(len(runs) - 1, -1, -max(1, -(-len(runs) // TICKS))))
    labels = [f"{commit_of(runs[place])}\n{day_of(runs[place])}" for place in shown]
    axes.set_xticks(shown, labels, fontsize=FONT - 0.5)
    axes.tick_params(axis="x", labelbottom=labelled)


def _around(figure: Figure, series: Sequence[Series], datasets: set[str]) -> None:
    """Title, unit and what the lines mean."""
    last = series[0].last
    what = metric_of(last.metric).title or last.metric.replace("_", " ")
    on = f" on {dataset_label(next(iter(datasets)))}" if len(datasets) == 1 else ""
    figure.suptitle(f"{what}{on}\n{last.machine}", fontsize=10, color=INK)
    if unit := _scale(last)[1]:
        figure.supylabel(unit, fontsize=8.5, color=INK)
    handles = [Line2D([], [], color=INK, linewidth=1.3, label="level")] if any(one.levels for one in series) else []
    states = {step.state for one in series for step in one.steps}
    for state, (colour, dashes, label) in LOOKS.items():
        if state in states:
            handles.append(Line2D([], [], color=colour, linestyle=dashes, linewidth=1.1, label=label))
    if any(point.low is not None for one in series for point in one.points):
        handles.append(Line2D([], [], color=INK, alpha=0.35, label="range within the run"))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8, frameon=False)


def _scale(point: Point) -> tuple[float, str]:
    """What values are divided by, and the unit then."""
    return metric_of(point.metric).axis or (1.0, point.unit)


def _is_text(one: Series) -> bool:
    return isinstance(one.last.value, str)


def _counts(one: Series) -> bool:
    return one.last.unit == FAILED_IMAGES


def _heights(one: Series, scale: float) -> list[float]:
    """The values in the unit that is shown; texts are numbered as they appear."""
    if not _is_text(one):
        return [float(point.value) / scale for point in one.points]
    order = list(dict.fromkeys(point.value for point in one.points))
    return [float(order.index(point.value)) for point in one.points]


def _text_ticks(axes: Axes, one: Series) -> None:
    order = list(dict.fromkeys(str(point.value) for point in one.points))
    shown = [0, len(order) - 1] if len(order) > TEXTS else list(range(len(order)))
    axes.set_yticks(sorted(set(shown)), [order[place][:SHORT] for place in sorted(set(shown))])
