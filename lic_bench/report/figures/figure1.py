"""The paper's Figure 1: BD-rate against decoding latency, marker area by parameters."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import BboxBase

from lic_bench.report.figures.axes_style import INK, new_axes
from lic_bench.report.figures.codec_style import codec_style
from lic_bench.report.figures.figure1_lines import Line, draw_fronts, draw_spreads
from lic_bench.report.figures.label_placement import Box, Marker, leader, place_labels

AREA_PER_MILLION = 4.0  # points^2
WORST = 30.0  # percent; codecs beyond are drawn below the others with an arrow, so that those keep apart
BEYOND = 4.0  # percent below the others
SMALL = 30.0  # points^2, for codecs without parameters
GREY = "#5b6672"
SIZES = (25, 50, 75)  # millions of parameters in the key
FONT = 8.5
CENTRE = 0.2  # of a marker's area
ARROW = 18.0  # points; to the right of a lower bound


def figure1(codecs: pd.DataFrame, dataset: str) -> Figure:
    """BD-rate [percent], drawn upward for savings, against decoding latency [ms, log]: left and top is better.

    codecs: the rows of frames.bd_against_latency. A lower bound has an arrow, what was measured its spread as bars.
    Published rows are hollow, measured ones filled, pale where networks_only (random weights); variants have a white
    centre.
    """
    figure, axes = new_axes(7.6, 5.2)
    rows = codecs.dropna(subset=["seconds", "bd_rate"])
    near = rows.bd_rate[rows.bd_rate <= WORST]
    edge = max(near.max() if len(near) else 0.0, 0.0) + BEYOND
    beyond = rows.bd_rate > WORST
    rows = rows.assign(beyond=beyond, at=rows.bd_rate.where(~beyond, edge))
    rows = rows.sort_values("params_m", ascending=False, kind="stable")  # small markers on top of large ones
    for row in rows.itertuples():
        _marker(axes, row)
    _axes(axes, rows, dataset)
    lines = [*draw_fronts(axes, rows), *draw_spreads(axes, rows)]
    _labels(figure, axes, rows, _key(figure, axes, rows), lines)
    return figure


def _area(row: Any) -> float:
    return SMALL if pd.isna(row.params_m) else max(SMALL, AREA_PER_MILLION * row.params_m)


def _marker(axes: Axes, row: Any) -> None:
    style = codec_style(row.codec)
    marker = "D" if pd.isna(row.params_m) else "o"
    face = _face(row, style.colour)
    at = 1e3 * row.seconds, row.at
    axes.scatter(*at, s=_area(row), marker=marker, facecolor=face, edgecolor=style.colour, linewidth=1.6, zorder=3)
    if style.dashes:
        axes.scatter(*at, s=CENTRE * _area(row), marker=marker, facecolor="white", linewidth=0, zorder=3)
    radius = np.sqrt(_area(row) / np.pi)
    for far, tip in ((row.lower_bound, (radius + ARROW, 0)), (row.beyond, (0, -radius - ARROW))):
        if not far:
            continue
        arrow = {"arrowstyle": "<-", "color": style.colour, "linewidth": 1.6, "shrinkA": 0, "shrinkB": radius}
        axes.annotate("", at, tip, textcoords="offset points", arrowprops=arrow)


def _face(row: Any, colour: str) -> Any:
    """White for published, full for measured, pale where only the networks were measured."""
    if row.provenance == "published":
        return "white"
    return to_rgba(colour, 0.3) if row.networks_only else colour


def _axes(axes: Axes, rows: pd.DataFrame, dataset: str) -> None:
    axes.set_xscale("log")
    if len(rows):
        low, high = 1e3 * rows.seconds.min(), 1e3 * rows.seconds.max()
        axes.set_xlim(low / 2.2, high * 2.8)
        ends = pd.concat([rows["at"], *(rows.loc[~rows.beyond, name].dropna() for name in ("bd_low", "bd_high"))])
        best, worst = min(ends.min(), 0.0), max(ends.max(), 0.0)
        space = 0.12 * max(worst - best, 1.0)
        below = 2 * space if rows.beyond.any() else space  # for names under the arrows
        axes.set_ylim(worst + below, best - space)  # savings upward, as in the paper
    axes.axhline(0, color="#9aa3ad", linewidth=0.8, zorder=1)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="Decoding latency [ms], log scale", ylabel=f"BD-rate (PSNR) on {dataset} [%]")
    axes.set_title("left and top is better", loc="left", fontsize=FONT, color=GREY)
    arrow = {"arrowstyle": "-|>", "color": "#9aa3ad", "linewidth": 1.4}
    axes.annotate("", (0.012, 0.985), (0.065, 0.90), "axes fraction", arrowprops=arrow)


def _key(figure: Figure, axes: Axes, rows: pd.DataFrame) -> Legend:
    """Below the axes: what hollow and filled mean. In the corner of slow and costly codecs, returned: the sizes."""
    kinds = []
    for row in rows.drop_duplicates(["provenance", "device", "networks_only"]).itertuples():
        what = f"{row.provenance}, {row.device}" + (" (random weights, published BD-rate)" if row.networks_only else "")
        kinds.append(_dot(what, 50, _face(row, GREY)))
    figure.legend(handles=kinds, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    sizes = [_dot(f"{size} M", AREA_PER_MILLION * size, "none") for size in SIZES]
    if rows.params_m.isna().any():
        sizes.append(_dot("none", SMALL, "none", "D"))
    style: dict[str, Any] = {"fontsize": 8, "title_fontsize": 8, "labelspacing": 0.9, "edgecolor": "#e4e7eb"}
    return axes.legend(handles=sizes, title="Parameters", loc="lower right", **style)


def _dot(label: str, area: float, face: Any, marker: str = "o") -> Line2D:
    style: dict[str, Any] = {"marker": marker, "markersize": np.sqrt(area), "markerfacecolor": face}
    return Line2D([], [], linestyle="none", markeredgecolor=GREY, label=label, **style)


def _labels(figure: Figure, axes: Axes, rows: pd.DataFrame, key: Legend, lines: Sequence[Line]) -> None:
    """Names beside the markers, placed where they cover nothing; a thin line where that is not close by."""
    if rows.empty:
        return
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)  # it must stand before points can be measured
    scale = 72 / figure.dpi
    pixels = axes.transData.transform(np.column_stack([1e3 * rows.seconds, rows["at"]])) * scale
    names = [_name(row) for row in rows.itertuples()]
    sizes = [_text_size(figure, name) for name in names]
    radii = [float(np.sqrt(_area(row) / np.pi)) for row in rows.itertuples()]
    spots = [Marker(x, y, r, w, h) for (x, y), r, (w, h) in zip(pixels, radii, sizes, strict=True)]
    frame = _box(axes.get_window_extent(), scale)
    zero = float(axes.transData.transform((1.0, 0.0))[1]) * scale
    drawn = [Box(frame.left, zero - 1, frame.right, zero + 1), *_line_boxes(axes, lines, scale)]
    arrows = [_arrow_box(spot, row) for spot, row in zip(spots, rows.itertuples(), strict=True)]
    boxes = place_labels(spots, frame, [*drawn, *arrows, _box(key.get_window_extent(), scale)])
    _write(axes, names, spots, boxes, [codec_style(codec).colour for codec in rows.codec])
    figure.set_layout_engine(None)  # a later layout would move the axes under the labels


def _name(row: Any) -> str:
    """The label, with the value where the marker cannot show it."""
    time = f" (>{row.seconds:g} s)" if row.lower_bound else ""
    return str(row.label) + time + (f" ({row.bd_rate:+.0f} %)" if row.beyond else "")


def _box(extent: BboxBase, scale: float) -> Box:
    """A matplotlib box in points."""
    return Box(extent.x0 * scale, extent.y0 * scale, extent.x1 * scale, extent.y1 * scale)


def _line_boxes(axes: Axes, lines: Sequence[Line], scale: float) -> list[Box]:
    """What level and upright lines cover."""
    ends = axes.transData.transform(np.reshape([*lines], (-1, 2))).reshape(-1, 2, 2) * scale
    return [Box(*(line.min(0) - 1), *(line.max(0) + 1)) for line in ends]


def _arrow_box(spot: Marker, row: Any) -> Box:
    """What the arrows of a marker cover; without arrows nothing beyond the marker."""
    right, down = (ARROW if row.lower_bound else 0), (ARROW if row.beyond else 0)
    return Box(spot.x, spot.y - 4 - down, spot.x + 4 + right, spot.y + 4)


def _text_size(figure: Figure, words: str) -> tuple[float, float]:
    """Width and height in points."""
    agg: Any = RendererAgg
    renderer = agg(100, 100, figure.dpi)  # only measures
    width, height, _ = renderer.get_text_width_height_descent(words, FontProperties(size=FONT), False)
    return width * 72 / figure.dpi, height * 72 / figure.dpi


def _write(
    axes: Axes, names: Sequence[str], spots: Sequence[Marker], boxes: Sequence[Box], colours: Sequence[str]
) -> None:
    to_data = axes.transData.inverted()
    scale = axes.figure.dpi / 72
    for name, spot, box, colour in zip(names, spots, boxes, colours, strict=True):
        middle = (box.left + box.right) / 2, (box.bottom + box.top) / 2
        at = to_data.transform((middle[0] * scale, middle[1] * scale))
        axes.text(at[0], at[1], name, ha="center", va="center", fontsize=FONT, color=INK, zorder=4)
        if line := leader(spot, box):
            axes.plot(*to_data.transform(np.array(line) * scale).T, color=colour, linewidth=0.8, zorder=2)
