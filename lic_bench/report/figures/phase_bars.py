"""The figure of where the time goes: a bar per codec, cut into its phases, in milliseconds and in percent."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER, TOTAL
from lic_bench.report.figures.axes_style import INK, new_axes, style_axes
from lic_bench.report.frames.phase_times import CONTEXT, is_network, merge_slices

NETWORK = {"g_a": "#9ecae1", "h_a": "#cfe3f3", "h_s": "#6baed6", CONTEXT: "#2b7bba", "g_s": "#0b3c7d"}
MORE = ("#5fb7b0", "#1f8a83", "#0c5f5a", "#7f8fd1", "#4b57a8")  # parts of the network by names of their own
REST = {ENTROPY_CODER: "#e0662a", COPIES: "#f3bf4b", OTHER: "#c9ced4"}
HATCH = "////"
KEYS = 5  # entries of the legend side by side
ROOM = 5.0  # percent: narrower parts are not labelled
ROW, MARGIN, WIDTH = 0.34, 1.5, 9.6  # inches


def phase_bars(frame: pd.DataFrame) -> Figure:
    """A bar per codec, the fastest on top: on the left its time, on the right its shares.

    frame: one row per `name` (of the bar) and phase, "total" among these; columns name, weights, phase, seconds. The
    slices of a context model are one part. Parts of the network are blue; the entropy coder is hatched where weights
    are random, for then its time is not representative.
    """
    parts = frame.assign(phase=frame.phase.map(merge_slices)).groupby(["name", "weights", "phase"], sort=False)
    seconds = parts.seconds.sum().unstack(fill_value=0).sort_values(TOTAL, kind="stable")
    seconds = seconds.loc[:, seconds.any()]  # what nobody spends time on needs no colour
    names = [str(name) for name, _ in seconds.index]
    random = [weights == "random" for _, weights in seconds.index]
    figure, left = new_axes(WIDTH, MARGIN + ROW * len(names))
    grid = figure.add_gridspec(1, 2, width_ratios=(1, 1))
    left.set_subplotspec(grid[0])
    right = figure.add_subplot(grid[1], sharey=left)
    style_axes(right)
    colours = dict(_colours([str(name) for name in seconds.columns]))
    total = seconds[TOTAL]
    _bars(left, 1e3 * seconds, colours, random)
    _bars(right, 100 * seconds.div(total, axis=0), colours, random, room=ROOM)
    offset: Any = {"textcoords": "offset points", "va": "center", "fontsize": 8, "color": INK}
    for at, value in enumerate(total):
        left.annotate(f"{1e3 * value:.0f}", (1e3 * value, at), (4, 0), **offset)
    _axes(left, right, names, 1e3 * float(total.max()))
    _key(figure, colours, random)
    return figure


def _colours(phases: list[str]) -> Iterator[tuple[str, str]]:
    """Phase -> colour, in the order of the parts of a bar: the network first."""
    own = [name for name in phases if is_network(name) and name not in NETWORK]
    yield from ((name, colour) for name, colour in NETWORK.items() if name in phases)
    yield from ((name, MORE[index % len(MORE)]) for index, name in enumerate(own))
    yield from ((name, colour) for name, colour in REST.items() if name in phases)


def _bars(
    axes: Axes, values: pd.DataFrame, colours: Mapping[str, str], random: list[bool], room: float = float("inf")
) -> None:
    """The parts one after the other; those of `room` and more have their value written in them."""
    begin = [0.0] * len(values)
    for phase, colour in colours.items():
        widths = values[phase].to_list()
        bars = axes.barh(range(len(values)), widths, left=begin, height=0.72, color=colour, linewidth=0)
        for at, (bar, width) in enumerate(zip(bars, widths, strict=True)):
            hatched = phase == ENTROPY_CODER and random[at]
            if hatched:
                bar.set(hatch=HATCH, edgecolor="white")
            if width >= room:
                middle = begin[at] + width / 2
                ground = "white" if hatched else colour  # keeps the hatching off the number
                ink = "white" if sum(to_rgb(ground)) < 1.7 else INK
                box = {"facecolor": ground, "edgecolor": "none", "boxstyle": "round,pad=0.25"}
                axes.text(middle, at, f"{width:.0f}", ha="center", va="center", color=ink, fontsize=7.5, bbox=box)
        begin = [start + width for start, width in zip(begin, widths, strict=True)]


def _axes(left: Axes, right: Axes, names: list[str], longest_ms: float) -> None:
    left.set(xlabel="Time [ms]", xlim=(0, 1.12 * longest_ms or 1.0), ylim=(len(names) - 0.45, -0.55))
    left.set_yticks(range(len(names)), names)
    right.set(xlabel="Share [%]", xlim=(0, 100))
    right.tick_params(labelleft=False)
    for axes in (left, right):
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0)


def _key(figure: Figure, colours: Mapping[str, str], random: list[bool]) -> None:
    patches = []
    for phase, colour in colours.items():
        if phase != ENTROPY_CODER or not all(random):
            patches.append(Patch(color=colour, label=phase, linewidth=0))
        if phase == ENTROPY_CODER and any(random):
            label = f"{phase}, random weights"
            patches.append(Patch(facecolor=colour, edgecolor="white", hatch=HATCH, linewidth=0, label=label))
    by_rows = [patch for column in range(KEYS) for patch in patches[column::KEYS]]  # a legend is filled by columns
    figure.legend(handles=by_rows, loc="outside upper center", ncols=KEYS, fontsize=8, frameon=False)
