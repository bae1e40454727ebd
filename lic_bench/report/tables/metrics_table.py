"""BD-rates by metric: codecs in rows, PSNR and perceptual metrics in columns, and the mean of JPEG AI's seven."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from lic_bench.measurement.perceptual.registry import JPEG_AI
from lic_bench.report.frames.perceptual_rates import other_order
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import metric_label, metric_stem
from lic_bench.report.tables.codec_columns import DATASET, METHOD, SOURCE, codec_cells
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell

MEAN = "jpeg_ai_mean"
FIRST = ("vmaf", "ssimulacra2")  # of those that are not in JPEG AI's mean, what a narrow terminal shows too


def metrics_table(data: ReportData) -> Table:
    """One row per curve and data set that has perceptual values, but the anchor's."""
    rates = data.perceptual
    complete = set(JPEG_AI) <= set(rates.metrics)
    seven = JPEG_AI if complete else ()
    others = [name for name in rates.metrics if name not in seven]
    columns = [METHOD, SOURCE, DATASET, Column("psnr_pct", "PSNR")]
    columns += [Column(f"{MEAN}_pct", "mean", "JPEG AI's seven")] if complete else []
    columns += [_column(name, "JPEG AI's seven") for name in seven]
    columns += [_column(name, "") for name in others]
    bd = rates.bd[rates.bd.curve.ne(rates.bd.anchor_curve)]
    differing = other_order(rates.bd, data.method, "psnr_db", "vmaf")
    rows = [
        _row(dict(zip(group.metric, group.itertuples(), strict=True)), data, differing)
        for _, group in bd.groupby(["curve", "dataset"], sort=False)
    ]
    return Table("bd_rate_by_metric", "BD-rate [%] by metric", _caption(data, complete=complete), columns, rows)


def _column(metric: str, group: str) -> Column:
    return Column(f"{metric_stem(metric)}_pct", metric_label(metric), group, optional=metric not in FIRST)


def _row(by_metric: Mapping[str, Any], data: ReportData, differing: Mapping[str, Sequence[str]]) -> Row:
    first = next(iter(by_metric.values()))
    most = max(row.n_points for row in by_metric.values())
    cells = {f"{metric_stem(name)}_pct": _cell(row, data, differing, most) for name, row in by_metric.items()}
    values = [getattr(by_metric[name], data.method) for name in JPEG_AI if name in by_metric]
    mean = sum(values) / len(values) if len(values) == len(JPEG_AI) else float("nan")
    return Row(first.provenance, codec_cells(first) | cells | {f"{MEAN}_pct": number_cell(mean, 2)})


def _cell(row: Any, data: ReportData, differing: Mapping[str, Sequence[str]], most: int) -> Cell:
    notes = [row.reason] if row.reason else []
    if not row.reason and row.n_points < most:
        notes.append(f"Over {row.n_points} points of {most}: at the others the metric lacks images, or does not rise.")
    if row.metric == "vmaf" and (others := differing.get(row.curve)):
        notes.append(f"By PSNR {row.label} is ahead of {' and '.join(dict.fromkeys(others))}, by VMAF behind.")
    return number_cell(getattr(row, data.method), 2, notes=notes)


def _caption(data: ReportData, *, complete: bool) -> str:
    used = data.perceptual.bd[data.perceptual.bd.reason == ""]
    anchors = ", ".join(dict.fromkeys(f"{row.anchor} ({_source(row)})" for row in used.itertuples())) or "none"
    parts = [
        f"Anchor of all columns: {anchors}; negative is better. {data.method} over each metric on its own scale, "
        "distances turned round; of the 8-bit pictures."
    ]
    if complete:
        parts.append("Mean: of the BD-rates by the seven metrics of JPEG AI's common test conditions, where all are.")
    return " ".join(chain(parts, _implementations(data.perceptual.by)))


def _source(row: Any) -> str:
    return str(row.anchor_curve).partition(":")[0] if row.anchor_curve.startswith("imported:") else "measured"


def _implementations(by: Mapping[str, Sequence[str]]) -> Iterator[str]:
    metrics: defaultdict[str, list[str]] = defaultdict(list)
    for name, several in by.items():
        for said in several:
            metrics[said].append(metric_label(name))
    if metrics:
        yield "Measured by " + "; ".join(f"{said}: {', '.join(names)}" for said, names in metrics.items()) + "."
