"""The figures of the history: the series of a machine and metric, on pages of several panels each."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lic_bench.compare.metric_table import metric_of
from lic_bench.errors import UserError
from lic_bench.history.metric_series import Series
from lic_bench.history.panels import FONT, LINES, axis_of, draw_panel
from lic_bench.history.point import Point
from lic_bench.history.wording import commit_of, day_of, distinctions
from lic_bench.report.figures.axes_style import INK, RC_PARAMS, style_axes
from lic_bench.report.figures.figure_files import write_figure
from lic_bench.report.labels import codec_label, dataset_label

FORMATS = ("png", "svg")
MOST = 12  # panels of a figure
COLUMNS = 3
PANEL = (3.9, 2.15)  # inches
TICKS = 4  # commits that have a label below a panel


def write_figures(series: Sequence[Series], out: Path) -> list[Path]:
    """Draw the series into the folder `out`, each figure as PNG and SVG; the files. Raises UserError."""
    paths: list[Path] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(RC_PARAMS):
            for name, figure in figures(series):
                paths += write_figure(figure, out / name, FORMATS)
    except OSError as error:
        raise UserError(f"Cannot write to {out}: {error.strerror or error}; choose another --out.") from None
    return paths


def figures(series: Sequence[Series]) -> Iterator[tuple[str, Figure]]:
    """(stem of its files, figure) per machine and metric; several if there are over MOST panels, see `_pages`."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for member in series:
        groups.setdefault((member.last.machine, member.last.metric), []).append(member)
    for (machine, metric), of_metric in groups.items():
        pages = _pages(of_metric)
        for number, page in enumerate(pages, 1):
            yield f"{machine}_{metric}" + (f"_{number}" if len(pages) > 1 else ""), history_figure(page)


def history_figure(series: Sequence[Series]) -> Figure:
    """A panel per series of one machine and metric, all over the same runs in their order."""
    columns = min(COLUMNS, len(series))
    rows = -(-len(series) // columns)
    figure = Figure(figsize=(max(columns * PANEL[0], 5.2), rows * PANEL[1] + 1.3), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(rows, columns, squeeze=False, sharex=True).flat)
    runs = list({(p.time, p.commit): p for member in series for p in member.points}.values())
    runs.sort(key=lambda point: point.time)
    places = {(point.time, point.commit): place for place, point in enumerate(runs)}
    datasets = {member.last.on for member in series}
    for axes, member, distinction in zip(panels, series, distinctions(series), strict=False):
        style_axes(axes)
        x = [places[point.time, point.commit] for point in member.points]
        draw_panel(axes, member, x, len(runs), PANEL[0] * 72 * 0.82)
        on = dataset_label(member.last.on) if len(datasets) > 1 else ""
        title = ", ".join(filter(None, (f"{codec_label(member.last.codec)} q{member.last.quality}", on, distinction)))
        axes.set_title(title, loc="left", fontsize=9, fontweight="bold", color=INK)
    for place, axes in enumerate(panels):
        axes.set_visible(place < len(series))
        _label_runs(axes, runs, labelled=place + columns >= len(series))
    _draw_surroundings(figure, series, datasets)
    return figure


def _pages(series: Sequence[Series]) -> list[list[Series]]:
    """Parts of at most MOST panels; the panels of a codec stay together if they fit."""
    by_codec: dict[str, list[Series]] = {}
    for member in series:
        by_codec.setdefault(member.last.codec, []).append(member)
    pages: list[list[Series]] = []
    for of_codec in by_codec.values():
        parts = [of_codec[start : start + MOST] for start in range(0, len(of_codec), MOST)]
        if pages and len(pages[-1]) + len(parts[0]) <= MOST:
            pages[-1] += parts.pop(0)
        pages += parts
    return pages


def _label_runs(axes: Axes, runs: Sequence[Point], *, labelled: bool) -> None:
    """Label a few of the runs, the last among them, with commit and day."""
    shown = list(range(len(runs) - 1, -1, -max(1, -(-len(runs) // TICKS))))
    labels = [f"{commit_of(runs[place])}\n{day_of(runs[place])}" for place in shown]
    axes.set_xticks(shown, labels, fontsize=FONT - 0.5)
    axes.tick_params(axis="x", labelbottom=labelled)


def _draw_surroundings(figure: Figure, series: Sequence[Series], datasets: set[str]) -> None:
    """Draw the title, the unit and the legend of the lines."""
    last = series[0].last
    title = metric_of(last.metric).title or last.metric.replace("_", " ")
    on_dataset = f" on {dataset_label(next(iter(datasets)))}" if len(datasets) == 1 else ""
    figure.suptitle(f"{title}{on_dataset}\n{last.machine}", fontsize=10, color=INK)
    if unit := axis_of(last)[1]:
        figure.supylabel(unit, fontsize=8.5, color=INK)
    has_levels = any(member.levels for member in series)
    handles = [Line2D([], [], color=INK, linewidth=1.3, label="level")] if has_levels else []
    states = {step.state for member in series for step in member.steps}
    for state, (colour, dashes, label) in LINES.items():
        if state in states:
            handles.append(Line2D([], [], color=colour, linestyle=dashes, linewidth=1.1, label=label))
    if any(point.low is not None for member in series for point in member.points):
        handles.append(Line2D([], [], color=INK, alpha=0.35, label="range within the run"))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
