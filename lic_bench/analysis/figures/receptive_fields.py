"""Figure 3 of the LALIC paper: effective receptive fields."""

from collections.abc import Mapping, Sequence

from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lic_bench.analysis.effective_receptive_field import Field, smallest_area
from lic_bench.analysis.figures.grids import as_picture, colour_bar, panel_grid

SHARES = (0.9, 0.99)  # of the gradient, whose areas are written below the panels
LOWEST = 1e-4  # of the largest gradient: what is less is almost white, and 0 white
SIDE = 2.3  # inches


def receptive_fields_figure(titles: Sequence[str], fields: Sequence[Mapping[str, Field]]) -> Figure:
    """A column per network, a row per transform; darker is a larger gradient, relative to the panel's largest."""
    names = list(dict.fromkeys(name for of_network in fields for name in of_network))
    figure, places = panel_grid([SIDE] * len(names), len(titles), SIDE, lines=5.5, beside=0.9)
    panels = []
    for column, (title, of_network) in enumerate(zip(titles, fields, strict=True)):
        for name, field in of_network.items():
            axes = figure.add_subplot(places[names.index(name), column])
            shown = axes.imshow(field / (field.max() or 1), cmap="Blues", norm=LogNorm(LOWEST, 1))
            areas = (f"{share:.0%} in {smallest_area(field, share):.1%} of the pixels" for share in SHARES)
            as_picture(axes, f"{title}\n{name}", "\n".join(areas))
            panels.append(axes)
    colour_bar(figure, shown, panels, "gradient / largest gradient", extend="min", format="{x:g}")
    return figure
