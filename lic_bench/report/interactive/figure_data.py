"""The interactive figures' data: what the static figures show, for every metric, data set and operation."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from lic_bench.report.figures.codec_style import codec_style
from lic_bench.report.figures.report_figures import highlighted_codecs
from lic_bench.report.frames.bd_against_latency import bd_against_latency, datasets_with_bd
from lic_bench.report.frames.bd_rates import points_of_metric
from lic_bench.report.frames.codec_costs import OPERATIONS
from lic_bench.report.frames.measured_codecs import measured_codecs
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import METRIC_NAMES, dataset_label, images_label, sort_datasets

CURVE_COLUMNS = ["curve", "codec", "label", "provenance", "run", "device", "dataset", "image_set"]
CURVE_COLUMNS += ["quality", "bpp", "n_images"]
# Plotly's names of Matplotlib's markers.
SYMBOLS = {
    **{"o": "circle", "s": "square", "D": "diamond", "^": "triangle-up", "v": "triangle-down", "P": "cross"},
    **{"X": "x", "*": "star", "<": "triangle-left", ">": "triangle-right", "d": "diamond-tall", "p": "pentagon"},
    **{"h": "hexagon", "8": "octagon", "H": "hexagon2"},
}


def figure_data(data: ReportData) -> dict[str, Any]:
    """{"curves", "latency"}, ready for JSON; both may be empty.

    curves: a metric on an image set each, with points [quality, bpp, dB, images, encode ms, decode ms, images timed].
    latency: of BD-rates on a metric and data set and the times of an operation, with codecs.
    """
    return {"curves": list(_curves(data)), "latency": list(_latencies(data))}


def _curves(data: ReportData) -> Iterator[dict[str, Any]]:
    times = _times(data)
    for metric, metric_name in METRIC_NAMES.items():
        points = data.visible_rows(points_of_metric(data.points, metric), metric)
        points = points.loc[points.complete, [*CURVE_COLUMNS, metric]]
        for dataset in sort_datasets(set(points.dataset)):
            on_dataset = points[points.dataset == dataset]
            for image_set in sorted(on_dataset.image_set.unique(), key=lambda name: (len(name), name)):
                rows = on_dataset[on_dataset.image_set == image_set]
                coloured = highlighted_codecs(data, rows, metric)
                for _, curve in rows.groupby("curve", sort=False):
                    shown = not coloured or curve.provenance.iloc[0] != "published" or curve.codec.iloc[0] in coloured
                    known = {"metric": metric_name, "set": image_set, "set_label": images_label(image_set)}
                    yield known | _curve(curve.sort_values("bpp"), metric, times) | {"shown": shown}


def _curve(rows: pd.DataFrame, metric: str, times: dict[tuple[Any, ...], tuple[float, int]]) -> dict[str, Any]:
    first = rows.iloc[0]
    points = []
    for quality, *values in zip(*(rows[name].tolist() for name in ("quality", "bpp", metric, "n_images")), strict=True):
        timed = [times.get((first.curve, first.dataset, quality, name), (None, None)) for name in OPERATIONS]
        numbers = [quality, *values, *(time for time, _ in timed), timed[1][1]]
        points.append([_number(value) for value in numbers])
    return {
        "curve": first.curve,
        "label": first.label,
        "provenance": first.provenance,
        "run": f"{first.run}, {first.device}" if first.provenance == "measured" else first.run,
        "variant": bool(codec_style(first.codec).dashes),
        **_look(first.codec),
        "points": points,
    }


def _times(data: ReportData) -> dict[tuple[Any, ...], tuple[float, int]]:
    """(curve, data set, quality, operation) -> milliseconds, images timed; of times taken in another run too."""
    found = {}
    for row in measured_codecs(data):
        timed = data.latency[data.latency.curve == row.timed_curve]
        columns = (timed[name] for name in ("dataset", "quality", "operation", "median_s", "n_images"))
        for dataset, quality, operation, seconds, images in zip(*columns, strict=True):
            found[row.curve, dataset, quality, operation] = (1e3 * seconds, int(images))
    return found


def _latencies(data: ReportData) -> Iterator[dict[str, Any]]:
    for metric, metric_name in METRIC_NAMES.items():
        for dataset in datasets_with_bd(data, metric):
            for operation in reversed(OPERATIONS):
                drawn = bd_against_latency(data, dataset, metric, operation)
                codecs = [] if drawn is None else list(_codecs(drawn.codecs.dropna(subset=["seconds", "bd_rate"])))
                if drawn and codecs:
                    known = {"metric": metric_name, "dataset": dataset, "dataset_label": dataset_label(dataset)}
                    yield known | {"operation": operation, "anchor": drawn.anchor, "codecs": codecs}


def _codecs(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in frame.itertuples():
        numbers = {"bd_rate": row.bd_rate, "params_m": row.params_m, "n_images": row.n_images}
        yield {
            "label": row.label,
            "provenance": row.provenance,
            "device": row.device,
            "lower_bound": row.lower_bound,
            "networks_only": row.networks_only,
            "ms": _number(1e3 * float(str(row.seconds))),
            "n_qualities": _number(row.n_qualities),
            **{name: _number(value) for name, value in numbers.items()},
            **_look(str(row.codec)),
        }


def _look(codec: str) -> dict[str, Any]:
    style = codec_style(codec)
    return {"colour": style.colour, "symbol": SYMBOLS[style.marker], "dashes": style.dashes}


def _number(value: Any) -> float | None:
    """Rounded to six digits; None for what is missing."""
    return None if value is None or pd.isna(value) else float(f"{float(value):.6g}")
