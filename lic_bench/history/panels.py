"""One panel of a figure of the history: the points of a series, the levels between its steps, and the steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lic_bench.compare.metric_table import FAILED_IMAGES, metric_of
from lic_bench.history.metric_series import Series, State
from lic_bench.history.point import Point
from lic_bench.history.wording import SHORT, change_of
from lic_bench.report.figures.axes_style import INK
from lic_bench.report.figures.codec_style import codec_style

TEXTS = 4  # different texts that have a label
LEAST_SPAN = 0.04  # of the middle: noise smaller than that is not blown up to the height of a panel
ROOM = 0.16  # share of a panel's height for each row of labels above the points
ROWS = 3
LETTER = 0.62  # of the font's size, its width
FONT = 7.5
LINES: Mapping[State, tuple[str, Any, str]] = {
    "OPEN": ("#c1121f", "-", "worse, OPEN"),
    "ACCEPTED": ("#4b5563", (0, (4, 2)), "worse, accepted"),
    "MENDED": ("#6b7480", (0, (1.5, 1.5)), "worse, taken back since"),
    "BACK": ("#1d4e89", (0, (3, 3)), "as before"),
    "BETTER": ("#2d7d32", (0, (5, 1.5, 1.5, 1.5)), "better"),
}


def draw_panel(axes: Axes, series: Series, x: Sequence[int], runs: int, width: float) -> None:
    """Draw one series. x: the place of each point's run. runs: of all panels. width: of the panel, in points."""
    scale, style = axis_of(series.last)[0], codec_style(series.last.codec)
    y = _heights(series, scale)
    bounds = [
        (place, p.low / scale, p.high / scale)
        for place, p in zip(x, series.points, strict=True)
        if p.low is not None and p.high is not None
    ]
    for place, low, high in bounds:
        axes.plot([place, place], [low, high], color=style.colour, linewidth=1.0, alpha=0.35, zorder=2)
    size = 5.0 if runs <= 30 else 3.0
    axes.plot(x, y, color=style.colour, linestyle="none", marker=style.marker, markersize=size, zorder=3)
    for start, stop, level in series.levels:
        ends = [x[start] - 0.4, x[stop - 1] + 0.4]
        axes.plot(ends, [level / scale] * 2, color=INK, linewidth=1.3, solid_capstyle="butt", zorder=4)
    axes.set_xlim(-0.6, max(runs - 0.4, 0.6))
    used = [*y, *(bound for _, *pair in bounds for bound in pair)]
    rows = _draw_steps(axes, series, x, runs, width)
    _set_limits(axes, used, rows, _least_span(series, used))
    if _is_text(series):
        _text_ticks(axes, series)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=_is_count(series)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.tick_params(labelsize=FONT)


def _draw_steps(axes: Axes, series: Series, x: Sequence[int], runs: int, width: float) -> int:
    """Draw a line per step, and its change if there is room; the number of rows that these take."""
    filled_to = [0.0] * ROWS  # up to where each row is full, in points
    rows_used = 0
    per_run = width / max(runs, 1)
    for step in series.steps:
        colour, dashes, _ = LINES[step.state]
        at = (x[step.index - 1] + x[step.index]) / 2
        axes.axvline(at, color=colour, linewidth=1.1, linestyle=dashes, zorder=1)
        label = "" if _is_text(series) else change_of(step, series.last.unit)
        label_width = len(label) * FONT * LETTER + 4
        position = (at + 0.6) * per_run
        fits_right = position + label_width <= width + 4
        begin = position if fits_right else position - label_width
        row = next((row for row in range(ROWS) if filled_to[row] <= begin), None)
        if not label or row is None:
            continue
        filled_to[row] = begin + label_width
        rows_used = max(rows_used, row + 1)
        place: Any = {"xytext": (3 if fits_right else -3, -1 - row * (FONT + 2)), "textcoords": "offset points"}
        place |= {"ha": "left" if fits_right else "right", "va": "top", "annotation_clip": False}
        place["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6}
        axes.annotate(
            label, (at, 1.0), xycoords=axes.get_xaxis_transform(), fontsize=FONT, color=colour, zorder=5, **place
        )
    return rows_used


def _set_limits(axes: Axes, values: Sequence[float], rows: int, least: float) -> None:
    """Set limits with room for the labels above, and never so narrow that noise fills the panel."""
    low, high = min(values), max(values)
    margin = max(0.0, least - (high - low)) / 2
    low, high = low - margin, high + margin
    height = (high - low) / (1 - 0.2 - ROOM * rows)
    axes.set_ylim(low - 0.1 * height, low - 0.1 * height + height)


def _least_span(series: Series, values: Sequence[float]) -> float:
    """The least height of a panel in its unit: some percent of times, else what the values span."""
    low, high = min(values), max(values)
    if _is_text(series) or _is_count(series):
        return 1.0
    noisy = series.last.low is not None
    return LEAST_SPAN * abs(low + high) / 2 or 1.0 if noisy or low == high else 0.0


def axis_of(point: Point) -> tuple[float, str]:
    """The number by which figures divide the values, and the unit then."""
    return metric_of(point.metric).axis or (1.0, point.unit)


def _is_text(series: Series) -> bool:
    return isinstance(series.last.value, str)


def _is_count(series: Series) -> bool:
    return series.last.unit == FAILED_IMAGES


def _heights(series: Series, scale: float) -> list[float]:
    """The values in the unit of the figure; texts as numbers by first appearance."""
    if not _is_text(series):
        return [float(point.value) / scale for point in series.points]
    order = list(dict.fromkeys(point.value for point in series.points))
    return [float(order.index(point.value)) for point in series.points]


def _text_ticks(axes: Axes, series: Series) -> None:
    order = list(dict.fromkeys(str(point.value) for point in series.points))
    shown = [0, len(order) - 1] if len(order) > TEXTS else range(len(order))
    axes.set_yticks(shown, [order[place][:SHORT] for place in shown])
