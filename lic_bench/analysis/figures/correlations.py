"""The lower row of figure 9 of the LALIC paper: local correlation of the normalised latent."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lic_bench.analysis.figures.grids import FONT, as_picture, colour_bar, panel_grid
from lic_bench.report.figures.axes_style import INK

NARROWEST = 0.05  # correlation at the ends of the colours, at least
SIDE = 2.3  # inches


def correlations_figure(titles: Sequence[str], correlations: Sequence[NDArray[np.float64]]) -> Figure:
    """A panel per network with the values in its cells. The centre, 1 by definition, is left white."""
    figure, places = panel_grid([SIDE], len(titles), SIDE, lines=2.5, beside=0.9)
    size = len(correlations[0])
    centre = np.zeros((size, size), bool)
    centre[size // 2, size // 2] = True
    widest = max(NARROWEST, *(float(abs(values[~centre]).max()) for values in correlations))
    panels = []
    for column, (title, values) in enumerate(zip(titles, correlations, strict=True)):
        axes = figure.add_subplot(places[0, column])
        shown = axes.imshow(np.where(centre, np.nan, values), cmap="RdBu_r", vmin=-widest, vmax=widest)
        as_picture(axes, title)
        for (row, at), value in np.ndenumerate(values):
            ink = "white" if abs(value) > 0.65 * widest and not centre[row, at] else INK
            axes.text(at, row, f"{round(value, 2) + 0.0:.2f}", ha="center", va="center", fontsize=FONT - 1.5, color=ink)
        panels.append(axes)
    colour_bar(figure, shown, panels, "Pearson correlation")
    return figure
