"""What the figures of analyses share: panels of pixels in rows and columns."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from lic_bench.report.figures.axes_style import INK

FONT = 8.5
LINE = 0.15  # inches of a line of text


def panel_grid(
    heights: Sequence[float], columns: int, width: float, lines: float, beside: float = 0.0
) -> tuple[Figure, GridSpec]:
    """An empty figure, and places for panels in it: rows of these heights, columns of this width, in inches.

    lines: of text above and below each row. beside: inches for a colour bar.
    """
    text = LINE * lines
    size = (width * columns + beside + 0.2, sum(heights) + text * len(heights) + 0.2)
    figure = Figure(figsize=size, layout="compressed")
    FigureCanvasAgg(figure)
    return figure, figure.add_gridspec(len(heights), columns, height_ratios=[height + text for height in heights])


def as_picture(axes: Axes, title: str, below: str = "") -> None:
    """Panels that show pixels: a thin frame, no ticks."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color="#9aa3ad", linewidth=0.6)
    axes.set_title(title, fontsize=FONT, color=INK)
    axes.set_xlabel(below, fontsize=FONT - 1, color=INK)


def colour_bar(figure: Figure, shown: Any, panels: Sequence[Axes], label: str, **settings: Any) -> Colorbar:
    """The colour bar of several panels."""
    bar = figure.colorbar(shown, ax=panels, shrink=0.8, **settings)
    bar.set_label(label, fontsize=FONT, color=INK)
    bar.ax.tick_params(labelsize=FONT - 1)
    return bar
