"""The thin lines of Figure 1: the Pareto front of each machine, and how far its values spread."""

from itertools import pairwise
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from lic_bench.rate_distortion.trade_offs import pareto_front
from lic_bench.report.figures.codec_style import codec_style

Line = tuple[tuple[float, float], tuple[float, float]]  # from where to where, in ms and percent
FRONT = "#9aa3ad"


def draw_fronts(axes: Axes, rows: pd.DataFrame) -> list[Line]:
    """A step line per machine through the codecs that no other beats in both, as far as it lies within the axes.

    Times that are lower bounds or of random weights are in none. Returns the steps.
    """
    lines: list[Line] = []
    for _, group in rows[~rows.lower_bound & ~rows.networks_only].groupby(["provenance", "device"], sort=False):
        front = pareto_front(list(zip(group.seconds, group.bd_rate, strict=True)))
        within = group.iloc[front][~group.beyond.iloc[front]]
        corners = list(zip(1e3 * within.seconds, within.bd_rate, strict=True))
        if len(corners) < 2:
            continue
        for (x, y), (next_x, next_y) in pairwise(corners):
            lines += [((x, y), (next_x, y)), ((next_x, y), (next_x, next_y))]
        axes.step(*zip(*corners, strict=True), where="post", color=FRONT, linewidth=0.9, zorder=1.5)
    return lines


def draw_spreads(axes: Axes, rows: pd.DataFrame) -> list[Line]:
    """Bars in each codec's colour, on top of its marker: of its times, and of a BD-rate within the axes; as lines."""
    lines: list[Line] = []
    drawn: list[Any] = list(rows.itertuples())
    for row in drawn:
        own: list[Line] = []
        if pd.notna(row.low_s):
            own.append(((1e3 * row.low_s, row.at), (1e3 * row.high_s, row.at)))
        if pd.notna(row.bd_low) and not row.beyond:
            own.append(((1e3 * row.seconds, row.bd_low), (1e3 * row.seconds, row.bd_high)))
        for start, end in own:
            colour = codec_style(row.codec).colour
            axes.plot(*zip(start, end, strict=True), color=colour, linewidth=1.1, marker="", zorder=2.5)
        lines += own
    return lines
