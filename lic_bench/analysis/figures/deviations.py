"""Figure 8 of the LALIC paper: scaled deviation maps, and the bits of each slice."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lic_bench.analysis.deviation import Deviation
from lic_bench.analysis.figures.grids import FONT, as_picture, colour_bar, panel_grid
from lic_bench.codecs.ycbcr import Pixels
from lic_bench.report.figures.axes_style import INK, style_axes
from lic_bench.report.figures.codec_style import COLOURS, codec_style

COLUMNS = 4  # of pictures and maps side by side
WIDTH, BARS = 2.4, 1.3  # inches of a map's width, of the bars' height


def deviations_figure(
    titles: Sequence[str],
    codecs: Sequence[str],
    originals: Mapping[str, Pixels],
    deviations: Sequence[Mapping[str, Deviation]],
) -> Figure:
    """For each image the original, a map per network on one scale, below these the rates of all networks' slices.

    titles, codecs, deviations: of each network; originals, deviations: by the name of the image.
    """
    columns = min(COLUMNS, 1 + len(titles))
    rows = -(-(1 + len(titles)) // columns)
    maps = [[WIDTH * len(pixels) / pixels.shape[1]] * rows for pixels in originals.values()]
    heights = [height for of_image in maps for height in (*of_image, BARS)]
    figure, places = panel_grid(heights, columns, WIDTH, lines=4, beside=0.9)
    colours = _colours(codecs)
    for first, (name, pixels) in zip(range(0, places.nrows, rows + 1), originals.items(), strict=True):
        panels = [figure.add_subplot(places[first + at // columns, at % columns]) for at in range(1 + len(titles))]
        of_image = [of_network[name] for of_network in deviations]
        _maps(figure, panels, name, pixels, titles, of_image)
        bars = figure.add_subplot(places[first + rows, :])
        _slices(bars, titles, colours, of_image)
    if len(titles) > 1:
        figure.legend(*bars.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=FONT - 1)
    return figure


def _maps(
    figure: Figure,
    panels: Sequence[Axes],
    name: str,
    pixels: Pixels,
    titles: Sequence[str],
    deviations: Sequence[Deviation],
) -> None:
    """The original, then the maps."""
    panels[0].imshow(pixels)
    as_picture(panels[0], name)
    largest = max(float(deviation.map.max()) for deviation in deviations)
    for axes, title, deviation in zip(panels[1:], titles, deviations, strict=True):
        shown = axes.imshow(1e3 * deviation.map, cmap="viridis", vmin=0, vmax=1e3 * largest)
        as_picture(axes, title, f"sum {deviation.total:.3f}")
    colour_bar(figure, shown, panels, "deviation x 1000")


def _colours(codecs: Sequence[str]) -> list[str]:
    """Of each network: its codec's, for a codec at several qualities one that no other has."""
    own = [codec_style(codec).colour for codec in codecs]
    rest = cycle([colour for colour in COLOURS if colour not in own] or COLOURS)
    return [colour if colour not in own[:at] else next(rest) for at, colour in enumerate(own)]


def _slices(axes: Axes, titles: Sequence[str], colours: Sequence[str], deviations: Sequence[Deviation]) -> None:
    """Bars of bits per pixel by slice, those of the networks side by side; z at the right."""
    style_axes(axes)
    axes.grid(False, axis="x")
    most = max(len(deviation.slice_bpp) for deviation in deviations)
    width = 0.8 / len(deviations)
    for at, (title, colour, deviation) in enumerate(zip(titles, colours, deviations, strict=True)):
        heights = [*deviation.slice_bpp, *[0.0] * (most - len(deviation.slice_bpp)), deviation.z_bpp]
        places = [number + (at - (len(deviations) - 1) / 2) * width for number in range(most + 1)]
        axes.bar(places, heights, width, color=colour, label=title.replace("\n", " "))
    axes.set_xticks(range(most + 1), [*map(str, range(1, most + 1)), "z"])
    axes.set_xlabel("slice of channels", fontsize=FONT - 1, color=INK)
    axes.set_ylabel("bits per pixel", fontsize=FONT - 1, color=INK)
    axes.tick_params(labelsize=FONT - 1)
