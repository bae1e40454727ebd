"""Figures 12 and 13 of the LALIC paper: original and reconstructions, and a part of each."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lic_bench.analysis.figures.grids import as_picture, panel_grid
from lic_bench.analysis.matched_crops import MatchedImage, Window
from lic_bench.analysis.networks import has_random_weights
from lic_bench.codecs.ycbcr import Pixels

MARK = "#ffd400"
WIDTH = 2.8  # inches


def crops_figure(image: MatchedImage) -> Figure:
    """Above the whole pictures, the window marked; below the window, its pixels as squares."""
    height, width = image.original.shape[:2]
    heights = [WIDTH * height / width, WIDTH * image.window.height / image.window.width]
    figure, places = panel_grid(heights, 1 + len(image.reconstructions), WIDTH, lines=3)
    titles = [(image.original, image.name, "original")]
    for shown in image.reconstructions:
        above, below = f"{shown.bpp:.3f} bpp, {_decibels(shown.psnr_db)}", _decibels(shown.crop_psnr_db)
        if has_random_weights(shown.record.weights):
            above, below = "no quality", "no quality"
        titles.append((shown.pixels, f"{shown.title}\n{above}", below))
    for column, (pixels, above, below) in enumerate(titles):
        _whole(figure.add_subplot(places[0, column]), pixels, image.window, above)
        part = figure.add_subplot(places[1, column])
        part.imshow(image.window.of(pixels), interpolation="nearest")
        as_picture(part, f"crop, {below}")
    return figure


def _whole(axes: Axes, pixels: Pixels, window: Window, title: str) -> None:
    axes.imshow(pixels)
    corner = (window.x - 0.5, window.y - 0.5)
    axes.add_patch(Rectangle(corner, window.width, window.height, fill=False, edgecolor=MARK, linewidth=1.2))
    as_picture(axes, title)


def _decibels(psnr_db: float | None) -> str:
    return "lossless" if psnr_db is None else f"{psnr_db:.2f} dB"
