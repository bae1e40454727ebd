"""Rate against quality, as in the paper's Figures 5 to 7."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lic_bench.report.figures.axes_style import INK, new_axes
from lic_bench.report.figures.codec_style import OTHER_DASHES, REST, codec_style
from lic_bench.report.labels import images_label, metric_label, metric_sign, metric_unit
from lic_bench.store.records import ELSEWHERE

INSIDE = 9  # so many legend entries fit inside the axes; more go beside them
OWN = ("measured", "imported")  # what the user brought
MOST_IMPORTED = 12  # up to so many imported curves are in colour
FAR = 1.3  # a curve whose end is so much beyond the others' is not shown to its end


def rd_figure(points: pd.DataFrame, image_set: str, metric: str, highlighted: Sequence[str] = ()) -> Figure:
    """Rate against quality of every curve over the same images, as in the paper's Figures 5 to 7.

    points: as of frames.rd_points; metric: a column of it, "vmaf". Measured curves are solid with filled markers,
    those of others, published, imported or coded elsewhere, dashed and hollow. Of a variant the line has dashes of
    its own, and the markers are empty, around those of its base; so it is with a codec's further runs. highlighted:
    the published codecs to draw in colour; () means all, the others become thin grey lines. The axes end where the
    coloured curves end, the widest of them left aside.
    """
    complete = points[(points.image_set == image_set) & points[metric].notna() & points.complete]
    coloured = _coloured(complete, highlighted)
    figure, axes = new_axes(7.2 if len(coloured) < INSIDE else 9.0, 5.0)
    rest = complete[~complete.curve.isin(coloured)]
    for _, curve in rest.groupby("curve", sort=False):
        ordered = curve.sort_values("bpp")
        axes.plot(ordered.bpp, ordered[metric], color=REST, linewidth=0.6, zorder=1)
    twice = _measured_twice(complete)
    handles = [_line(axes, complete[complete.curve == name], metric, twice) for name in coloured]
    if len(rest):
        kinds = ", ".join(rest.provenance.unique())
        handles.append(Line2D([], [], color=REST, linewidth=0.8, label=f"{rest.curve.nunique()} more ({kinds})"))
    _zoom(axes, complete[complete.curve.isin(coloured)], metric)
    axes.set(xlabel="Rate [bpp]", ylabel=_axis_title(metric), title=images_label(image_set))
    _legend(axes, handles, falls=metric_sign(metric) < 0)
    return figure


def _axis_title(metric: str) -> str:
    unit = f" [{metric_unit(metric)}]" if metric_unit(metric) else ""
    return f"{metric_label(metric)}{unit}" + (", less is better" if metric_sign(metric) < 0 else "")


def _coloured(points: pd.DataFrame, highlighted: Sequence[str]) -> list[str]:
    """The curves to draw in colour: measured ones, imported ones unless they are many, published ones as ordered."""
    measured, imported = (points[points.provenance == name].curve.unique().tolist() for name in OWN)
    measured += imported if len(imported) <= MOST_IMPORTED else []
    published = points[points.provenance == "published"]
    if not highlighted:
        return [*measured, *published.curve.unique()]
    order = [published.curve[published.codec == codec].unique() for codec in highlighted]
    return [*measured, *(curve for curves in order for curve in curves)]


def _measured_twice(points: pd.DataFrame) -> dict[str, int]:
    """The curves of codecs measured more than once, whose labels must name the run -> how many of its come before."""
    measured = points[points.provenance == "measured"].drop_duplicates("curve")
    places = measured.groupby("codec").cumcount()
    several = measured.codec.duplicated(keep=False)
    return dict(zip(measured.curve[several], places[several], strict=True))


def _line(axes: Axes, curve: pd.DataFrame, metric: str, twice: Mapping[str, int]) -> Line2D:
    ordered = curve.sort_values("bpp")
    first = ordered.iloc[0]
    style, others = codec_style(first.codec), first.provenance != "measured" or first.device == ELSEWHERE
    if twice.get(first.curve):
        style = replace(style, dashes=style.dashes or OTHER_DASHES)
    whose = first.device if first.provenance == "measured" else first.provenance
    tail = f" ({first.run}, {first.device})" if first.curve in twice else f" ({whose})" if others else ""
    (line,) = axes.plot(
        ordered.bpp,
        ordered[metric],
        label=first.label + tail,
        color=style.colour,
        **style.markers | ({"markerfacecolor": "white"} if others else {}),
        linewidth=1.1 if others else 1.7,
        linestyle=(0, style.dashes or (4, 2)) if others or style.dashes else "-",
        zorder=2 if others else 3,
    )
    return line


def _zoom(axes: Axes, points: pd.DataFrame, metric: str) -> None:
    """End the axes at the second highest rate where one curve, often a conventional codec's, goes far beyond."""
    ends = points.groupby("curve").bpp.max().sort_values()
    if len(ends) < 2 or ends.iloc[-1] < FAR * ends.iloc[-2]:
        return
    low, high = points.bpp.min(), float(ends.iloc[-2])
    pad = 0.04 * (high - low)
    seen = points[points.bpp <= high + pad][metric]
    if high <= low or seen.min() >= seen.max():
        return
    space = 0.05 * (seen.max() - seen.min())
    axes.set(xlim=(max(0.0, low - pad), high + 2 * pad), ylim=(seen.min() - space, seen.max() + space))


def _legend(axes: Axes, handles: Sequence[Line2D], *, falls: bool) -> None:
    """falls: the curves leave room above."""
    if not handles:
        axes.text(0.5, 0.5, "no points", transform=axes.transAxes, ha="center", color=INK)
    elif len(handles) <= INSIDE:
        loc: Literal["upper right", "lower right"] = "upper right" if falls else "lower right"
        axes.legend(handles=handles, loc=loc, fontsize=8, frameon=True, framealpha=0.9, edgecolor="none")
    else:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=8, frameon=False)
