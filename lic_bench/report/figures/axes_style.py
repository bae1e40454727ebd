"""The look of all figures: axes, ink and what Matplotlib is set to."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK = "#22272e"


def new_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """Empty axes of so many inches in the look of all figures."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    style_axes(axes)
    return figure, axes


def style_axes(axes: Axes) -> None:
    """The look of the axes of all figures."""
    axes.grid(True, color="#e4e7eb", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#9aa3ad")
    axes.tick_params(color="#9aa3ad", labelcolor=INK)


# Ids are the same every time: the same data gives the same files. A "$" in a name is a dollar sign.
RC_PARAMS: Any = {
    "svg.hashsalt": "lic-bench",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "savefig.dpi": 160,
    "text.parse_math": False,
}
