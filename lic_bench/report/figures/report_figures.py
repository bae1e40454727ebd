"""The figures of a report, each from its part of the gathered data."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.image_bootstrap import LEVEL
from lic_bench.report.figures.figure1 import figure1
from lic_bench.report.figures.figure10 import figure10
from lic_bench.report.figures.phase_bars import phase_bars
from lic_bench.report.figures.rd_figure import rd_figure
from lic_bench.report.frames.bd_rates import points_of_metric
from lic_bench.report.frames.budgets import timed_codecs
from lic_bench.report.frames.phase_times import mean_over_qualities
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import METRIC_NAMES, dataset_label, images_label, metric_label, metric_stem, sort_datasets

MOST_IN_COLOUR = 16  # up to so many curves all are drawn in colour
BEST = 6
LONGEST = 100  # letters of a data set's name in the name of a file


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """name: the stem of its files. draw: makes it."""

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]


def report_figures(data: ReportData) -> Iterator[ReportFigure]:
    """Figures 1 and 10, rate-distortion per metric and data set, times by phase; those without data are left out."""
    yield from _figure1(data)
    names: set[str] = set()
    for metric in (*METRIC_NAMES, *data.perceptual.asked):
        points = data.visible_rows(points_of_metric(data.points, metric), metric)
        for dataset in sort_datasets(set(points.dataset)):
            complete = points[(points.dataset == dataset) & points.complete]
            for count, images in enumerate(sorted(complete.image_set.unique(), key=lambda name: (len(name), name)), 1):
                stem = f"rd_{metric_stem(metric)}_" + "-".join(re.findall(r"[A-Za-z0-9_.@]+", dataset))[:LONGEST]
                name = stem if count == 1 else f"{stem}_{count}"
                while name in names:
                    name += "_"
                names.add(name)
                yield _rd_of_images(data, complete[complete.image_set == images], images, metric, name)
    yield from _phases_of_operations(data)
    if len(data.scaling.points):
        yield _figure10(data)


def _figure10(data: ReportData) -> ReportFigure:
    caption = (
        "Square synthetic pictures; both axes are logarithmic, so that what grows with any power of the pixels is a "
        "straight line. Memory: weights and the growth of encoding or decoding, the larger of the two. Cross: the size "
        "at which memory ran out, at the height that the fit to the sizes before gives it, at the upper edge without "
        "such a fit. With random weights the entropy coder's share of the times is not representative."
    )
    return ReportFigure(
        "figure10", "Operations, memory and time by size of the image", caption, partial(figure10, data.scaling)
    )


def _rd_of_images(data: ReportData, points: pd.DataFrame, images: str, metric: str, name: str) -> ReportFigure:
    draw = partial(rd_figure, points, images, metric, highlighted_codecs(data, points, metric))
    title = f"{metric_label(metric)} against rate on {images_label(images)}"
    caption = (
        "Dashed and hollow: published or imported points, and what was coded elsewhere. Solid and filled: measured "
        "here; variants of a codec have lines of their own and empty markers, around those of their base. "
        "bpp counts the payload; a curve far longer than the others runs on beyond the axes."
    )
    return ReportFigure(name, title, caption, draw)


def highlighted_codecs(data: ReportData, points: pd.DataFrame, metric: str) -> tuple[str, ...]:
    """The published codecs that are drawn in colour where the curves of one figure are many; else (), for all.

    Of more than MOST_IN_COLOUR that are asked for, the paper's and those with the lowest BD-rates.
    """
    if points.curve.nunique() <= MOST_IN_COLOUR:
        return ()
    asked = data.asked_slugs.get(metric, ())
    if len(asked) > MOST_IN_COLOUR:
        bd = data.bd_for(metric)
        bd = bd[(bd.provenance == "published") & (bd.dataset == points.dataset.iloc[0])]
        best = bd.dropna(subset=[data.method]).sort_values(data.method).codec.head(BEST)
        asked = (*best, *published.choose_slugs("paper", metric))
    return tuple(dict.fromkeys((*asked, data.anchor.slug(metric))))


def _phases_of_operations(data: ReportData) -> Iterator[ReportFigure]:
    """The bars of the data set on which most codecs were timed by phase."""
    curves = data.phases.groupby("dataset").curve.nunique()
    dataset = next((name for name in sort_datasets(set(curves.index)) if curves[name] == curves.max()), None)
    bars = mean_over_qualities(data.phases[data.phases.dataset == dataset])
    caption = (
        "Blue: the network; orange: the entropy coder, on the CPU; yellow: copies between device and host memory. "
        "Means over qualities; the number is the total in milliseconds. Hatched: with random weights the entropy "
        "coder's time is not representative. Codecs without a network have no parts."
    )
    for operation, what in (("decode", "decoding"), ("encode", "encoding")):
        parts = bars[bars.operation == operation]
        if len(parts):
            title = f"Where the time of {what} goes, on {dataset_label(str(dataset))}"
            yield ReportFigure(f"phases_{operation}", title, caption, partial(phase_bars, parts))


def _figure1(data: ReportData) -> Iterator[ReportFigure]:
    drawn = timed_codecs(data).get("decode")
    if drawn is None or drawn.codecs.dropna(subset=["seconds", "bd_rate"]).empty:
        return
    dataset = dataset_label(drawn.dataset)
    if drawn.codecs.bd_low.notna().any():
        upright = f"up and down the {LEVEL:g} % interval of the BD-rate over the images"
    else:
        upright = f"none up and down, as {drawn.anchor} is known as means alone"
    caption = (
        f"BD-rate against {drawn.anchor}; marker area by parameters. Hollow: printed in the paper. "
        f"Filled, of variants with a white centre: decoding measured here, on {dataset} where not "
        "stated otherwise. Arrow: the value lies beyond. Grey steps: the best BD-rate within each time on one machine "
        "(Pareto front). Bars of what was measured: from side to side the middle half of the times over images and "
        f"qualities, {upright}."
    )
    draw = partial(figure1, drawn.codecs, dataset)
    yield ReportFigure("figure1", f"BD-rate against decoding latency on {dataset}", caption, draw)
