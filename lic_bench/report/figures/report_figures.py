"""The figures of a report, each from its part of the gathered data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from lic_bench.rate_distortion import published
from lic_bench.report.figures.figure1 import COLUMNS, figure1
from lic_bench.report.figures.figure10 import figure10
from lic_bench.report.figures.phase_bars import phase_bars
from lic_bench.report.figures.rd_figure import rd_figure
from lic_bench.report.frames.bd_rates import bd_rate_of, points_of_metric
from lic_bench.report.frames.image_sets import sizes_fit
from lic_bench.report.frames.measured_codecs import MeasuredCodec, measured_codecs
from lic_bench.report.frames.phase_times import mean_over_qualities
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import METRIC_NAMES, dataset_label, images_label, published_slug, sort_datasets

MOST_IN_COLOUR = 16  # up to so many curves all are drawn in colour
LONGEST = 100  # letters of a data set's name in the name of a file


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """name: the stem of its files."""

    name: str
    title: str
    caption: str
    figure: Figure


def report_figures(data: ReportData) -> Iterator[ReportFigure]:
    """Figures 1 and 10, rate-distortion per metric and data set, times by phase; those without data are left out."""
    yield from _figure1(data)
    names: set[str] = set()
    for metric in METRIC_NAMES:
        points = data.visible_rows(points_of_metric(data.points, metric), metric)
        for dataset in sort_datasets(set(points.dataset)):
            complete = points[(points.dataset == dataset) & points.complete]
            for count, images in enumerate(sorted(complete.image_set.unique(), key=lambda name: (len(name), name)), 1):
                stem = f"rd_{metric.removesuffix('_db')}_" + "-".join(re.findall(r"[A-Za-z0-9_.@]+", dataset))[:LONGEST]
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
    return ReportFigure("figure10", "Operations, memory and time by size of the image", caption, figure10(data.scaling))


def _rd_of_images(data: ReportData, points: pd.DataFrame, images: str, metric: str, name: str) -> ReportFigure:
    highlighted: tuple[str, ...] = ()
    if points.curve.nunique() > MOST_IN_COLOUR:
        asked = data.asked_slugs[metric]
        named = asked if len(asked) <= MOST_IN_COLOUR else published.choose_slugs("paper", metric)
        highlighted = tuple(dict.fromkeys((*named, data.anchor.slug(metric))))
    figure = rd_figure(points, images, metric, highlighted)
    title = f"{METRIC_NAMES[metric]} against rate on {images_label(images)}"
    caption = (
        "Dashed and hollow: published or imported points, and what was coded elsewhere. Solid and filled: measured "
        "here; variants of a codec have lines of their own and empty markers, around those of their base. "
        "bpp counts the payload; a curve far longer than the others runs on beyond the axes."
    )
    return ReportFigure(name, title, caption, figure)


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
            yield ReportFigure(f"phases_{operation}", title, caption, phase_bars(parts))


def _figure1(data: ReportData) -> Iterator[ReportFigure]:
    """Figure 1 on Kodak, as in the paper; without BD-rates there, on the data set with the most curves."""
    bd = data.visible_rows(data.bd_for("psnr_db"), "psnr_db")
    bd = bd[bd[data.method].notna()]
    if bd.empty:
        return
    dataset = "kodak" if (bd.dataset == "kodak").any() else str(bd.dataset.mode().iloc[0])
    on_dataset = bd[bd.dataset == dataset]
    anchor = on_dataset[on_dataset.anchor_curve == on_dataset.anchor_curve.mode().iloc[0]].iloc[0]
    rows = [*_published_rows(data, dataset), *_measured_rows(data, dataset)]
    not_on_axis = set(on_dataset.curve[on_dataset.anchor_curve != anchor.anchor_curve])
    rows = [row | {"bd_rate": None} if row.pop("curve") in not_on_axis else row for row in rows]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    if frame.dropna(subset=["dec_s", "bd_rate"]).empty:
        return
    caption = (
        f"BD-rate against {anchor.anchor}; marker area by parameters. Hollow: printed in the paper. "
        f"Filled, of variants with a white centre: decoding measured here, on {dataset_label(dataset)} where not "
        "stated otherwise. Arrow: the value lies beyond."
    )
    figure = figure1(frame, dataset_label(dataset))
    yield ReportFigure("figure1", f"BD-rate against decoding latency on {dataset_label(dataset)}", caption, figure)


def _published_rows(data: ReportData, dataset: str) -> Iterator[dict[str, Any]]:
    """The codecs of the paper's Table 1, whose times are on Kodak."""
    printed = published.printed_table1()
    for slug in printed.index if dataset == "kodak" else ():
        if slug in (*data.asked_slugs["psnr_db"], *data.slugs_of_anchor["psnr_db"]):
            row = printed.loc[slug]
            bounded = bool(pd.isna(row.dec_s) and pd.notna(row.dec_s_lower_bound))
            yield {
                "curve": f"published:{slug}",
                "codec": slug,
                "label": published.published_label(slug),
                "provenance": "published",
                "device": "RTX 4090",
                "dec_s": row.dec_s_lower_bound if bounded else row.dec_s,
                "lower_bound": bounded,
                "bd_rate": bd_rate_of(data.bd_for("psnr_db"), f"published:{slug}", dataset, data.method),
                "params_m": row.params_m,
                "networks_only": False,
            }


def _measured_rows(data: ReportData, dataset: str) -> Iterator[dict[str, Any]]:
    """Measured codecs that were timed on this data set, or on images of the same size."""
    for row in measured_codecs(data):
        bd, borrowed = _bd_rate_for(data, row, dataset)
        where = _timed_on(row, dataset)
        latencies = data.latency[(data.latency.curve == row.timed_curve) & (data.latency.dataset == where)]
        counted = row.complexity(data)
        yield {
            "curve": f"published:{published_slug(row.codec)}" if borrowed else row.curve,
            "codec": row.codec,
            "label": row.label,
            "provenance": "measured",
            "device": row.machine if where == dataset else f"{row.machine} on {where}",
            "dec_s": latencies.median_s[latencies.operation == "decode"].mean(),
            "lower_bound": False,
            "bd_rate": bd,
            "params_m": (counted.parameters.iloc[0] / 1e6 or None) if len(counted) else None,
            "networks_only": borrowed,
        }


def _timed_on(row: MeasuredCodec, dataset: str) -> str:
    """`dataset` if it was measured, else a data set whose images all have the same size, else `dataset`."""
    known = published.test_sets().get(dataset)
    if known and known.size and dataset not in set(row.records.dataset):
        for name, group in row.records.groupby("dataset"):
            if sizes_fit(group, known.size):
                return str(name)
    return dataset


def _bd_rate_for(data: ReportData, row: MeasuredCodec, dataset: str) -> tuple[float | None, bool]:
    """The codec's BD-rate, and whether it is that of its published curve because the weights are random."""
    bd = data.bd_for("psnr_db")
    own = bd_rate_of(bd, row.curve, dataset, data.method)
    slug = published_slug(row.codec)
    if own is not None or row.weights != "random" or slug is None:
        return own, False
    return bd_rate_of(bd, f"published:{slug}", dataset, data.method), True
