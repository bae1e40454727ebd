"""The paper's Figure 10, operations and memory against the size of the image, and times beside them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from lic_bench.rate_distortion.growth_fits import Fit
from lic_bench.report.figures.axes_style import INK, style_axes
from lic_bench.report.figures.codec_style import codec_style
from lic_bench.report.frames.scaling import ScalingFrames

# title, unit, what is stored per unit, quantities: the first that a curve has, of "memory" the larger at every size
PANELS = (
    ("a  Operations of a forward pass", "MACs [G]", 1e9, ("macs_forward", "macs_thop")),
    ("b  Peak memory with weights", "Memory [GB]", 1e9, ("memory_encode", "memory_decode")),
    ("c  Encoding", "Time [s]", 1.0, ("time_encode",)),
    ("d  Decoding", "Time [s]", 1.0, ("time_decode",)),
)
# of a codec's first, second, ... curve
DASHES: Sequence[Any] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)))
GUIDE = "#c3c9d0"
MOST_TICKS = 6
MARGIN = 1.25  # a factor, on either side of the sizes
EDGE = 0.97  # share of a panel's height


def figure10(data: ScalingFrames) -> Figure:
    """Four panels: operations, memory, encoding, decoding against megapixels; a cross where memory ran out.

    The cross stands at the size that was too large, at the height that the curve's fit gives it; at the upper edge
    where no fit gives one.
    """
    figure = Figure(figsize=(9.6, 7.6), layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(hspace=0.06, wspace=0.04)  # type: ignore[union-attr, call-arg]  # set just above
    several = list(figure.subplots(2, 2).flat)
    for axes, (title, unit, scale, quantities) in zip(several, PANELS, strict=True):
        style_axes(axes)
        for curve, dashes in _curves(data):
            _curve(axes, data, curve, quantities, scale, dashes)
        _axes(axes, title, unit, data)
    handles = [_handle(data, curve, dashes) for curve, dashes in _curves(data)]
    if len(data.limits):
        handles.append(Line2D([], [], color=INK, marker="x", linestyle=":", label="out of memory"))
    handles.append(Line2D([], [], color=GUIDE, linewidth=0.9, linestyle="--", label="in proportion to the pixels"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8.5, frameon=False)
    return figure


def _curves(data: ScalingFrames) -> Iterator[tuple[str, Any]]:
    """The curves with their dashes: those of one codec differ, and a variant's from those of its base."""
    named = pd.concat([data.points[["curve", "codec"]], data.limits[["curve", "codec"]]]).drop_duplicates("curve")
    order = named.groupby("codec", sort=False).cumcount()
    for curve, codec, place in zip(named.curve, named.codec, order, strict=True):
        own = codec_style(codec).dashes
        yield curve, (0, own) if own and not place else DASHES[place % len(DASHES)]


def _first(data: ScalingFrames, curve: str) -> Any:
    points = data.points[data.points.curve == curve]
    return (points if len(points) else data.limits[data.limits.curve == curve]).iloc[0]


def _handle(data: ScalingFrames, curve: str, dashes: Any) -> Line2D:
    first = _first(data, curve)
    style = codec_style(first.codec)
    several = data.points[data.points.codec == first.codec].curve.nunique() > 1
    label = f"{first.label} ({first.run}, {first.device})" if several else first.label
    return Line2D([], [], color=style.colour, linestyle=dashes, label=label, **style.markers)


def _curve(axes: Axes, data: ScalingFrames, curve: str, quantities: Sequence[str], scale: float, dashes: Any) -> None:
    points = _points(data.points[data.points.curve == curve], quantities)
    if points.empty:
        return
    style = codec_style(points.codec.iloc[0])
    axes.plot(points.mp, points.value / scale, color=style.colour, linestyle=dashes, **style.markers)
    limits = data.limits[data.limits.curve == curve]
    if len(limits) and not quantities[0].startswith("macs"):
        last = points.iloc[-1]
        too_large = float(limits.mp.iloc[0])
        cross: Any = {"color": style.colour, "marker": "x", "markersize": 8, "markeredgewidth": 2, "zorder": 4}
        expected = _expected(data.fits, last, too_large)
        if expected is None:
            axes.plot(too_large, EDGE, transform=axes.get_xaxis_transform(), **cross)
            return
        ends = np.array([last.value, expected]) / scale
        axes.plot([last.mp, too_large], ends, color=style.colour, linewidth=1.1, linestyle=":")
        axes.plot(too_large, ends[1], **cross)


def _points(points: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """What a panel shows of a curve, by size: of operations the first kind there is, else the largest; above 0."""
    shown = points[points.quantity.isin(quantities) & (points.value > 0)]
    if quantities[0].startswith("macs"):
        shown = shown[shown.quantity == next((q for q in quantities if (shown.quantity == q).any()), "")]
    ordered: pd.DataFrame = shown.sort_values("value").drop_duplicates("mp", keep="last").sort_values("mp")
    return ordered


def _expected(fits: pd.DataFrame, last: Any, mp: float) -> float | None:
    """The value that the curve's fit predicts at mp; None without a fit, or if it is not above the last value."""
    rows = fits[(fits.curve == last.curve) & (fits.quantity == last.quantity)]
    curve_fit: Fit | None = rows.fit.iloc[0] if len(rows) else None
    fitted = float(curve_fit.best.at(np.array([mp]))[0]) if curve_fit else 0.0
    return fitted if fitted > last.value else None


def _axes(axes: Axes, title: str, unit: str, data: ScalingFrames) -> None:
    axes.set(xscale="log", yscale="log", xlabel="Side of the image [pixels], megapixels", ylabel=unit)
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK)
    sizes = pd.concat([data.points[["width", "height", "mp"]], data.limits[["width", "height", "mp"]]])
    axes.set_xlim(sizes.mp.min() / MARGIN, sizes.mp.max() * MARGIN)
    sizes = sizes[sizes.mp.isin(_shown(sizes.mp))].drop_duplicates("mp").sort_values("mp")
    labels = [f"{_size(row)}\n{row.mp:.2g}" for row in sizes.itertuples()]
    axes.set_xticks(sizes.mp.tolist(), labels)
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if np.log10(high / low) < 2.5 else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    _guides(axes)


def _shown(mp: Iterable[float]) -> list[float]:
    """The sizes that get a tick: all, or every second, third, ... from the largest down."""
    sizes = sorted(set(mp), reverse=True)
    return sizes[:: -(-len(sizes) // MOST_TICKS)] if sizes else []


def _size(row: Any) -> str:
    return f"{row.width}²" if row.width == row.height else f"{row.width}x{row.height}"


def _guides(axes: Axes) -> None:
    """Thin lines of slope 1, a decade apart, behind the curves; the view stays as the curves made it."""
    x, y = np.array(axes.get_xlim()), axes.get_ylim()
    first = np.floor(np.log10(y[0] / x[1]))
    for power in np.arange(first, np.log10(y[1] / x[0]) + 1):
        axes.plot(x, 10.0**power * x, color=GUIDE, linewidth=0.7, linestyle="--", zorder=0)
    axes.set(xlim=tuple(x), ylim=y)
