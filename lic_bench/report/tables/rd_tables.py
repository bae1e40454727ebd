"""BD-rates by every method, rate-distortion points and the sources of the published ones."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd

from lic_bench.measurement.perceptual.registry import METRICS
from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.bd_rate import METHODS
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import (
    METRIC_NAMES,
    dataset_label,
    metric_label,
    metric_stem,
    metric_unit,
    metric_value,
    sort_datasets,
)
from lic_bench.report.tables.codec_columns import DATASET, METHOD, QUALITY, SOURCE, codec_cells, table_rows
from lic_bench.report.tables.table import Cell, Column, Table, number_cell, number_columns, text_cell, text_columns

EXACT = "An image came back exactly, so PSNR has no finite mean, or quality was not measured: not in the curve."
NOT_ALL = "Not over all images: not in curves over all of them."
NO_SIZES = "The sizes are not known: not in curves."


def bd_table(data: ReportData, metric: str) -> Table:
    """Per curve and data set: pchip, cubic, akima, overlap, common range, leave-one-point-out span, points."""
    frame = data.visible_rows(data.bd_for(metric), metric)
    frame = frame[frame.codec.ne(data.anchor.slug(metric)) | (frame.provenance != "published")]
    frame = frame[frame.curve.ne(frame.anchor_curve)]  # an anchor against itself
    range_key = "range_db" if metric_unit(metric) == "dB" else "range"
    columns = [
        *(METHOD, SOURCE, DATASET),
        *text_columns(anchor="Anchor"),
        *number_columns("BD-rate [%]", **{name: name for name in METHODS}, loo="leave one out"),
        *number_columns("Common range", overlap_pct="overlap [%]", **{range_key: metric_unit(metric) or "values"}),
        *number_columns(n_points="Points"),
    ]
    caption = (
        "Each against the anchor beside it, negative is better. Overlap: common interval over "
        "joint range. Leave one out: lowest and highest pchip value with one point of the curve left out; "
        "differences within it do not rank codecs."
    )
    name = "bd_rate" if metric == "psnr_db" else f"bd_rate_{metric_stem(metric)}"
    title = f"BD-rate ({metric_label(metric)}) in detail"
    return Table(name, title, caption, columns, table_rows(_by_dataset(frame), partial(_bd_cells, range_key=range_key)))


def rd_table(data: ReportData) -> Table:
    """Every rate-distortion point that is shown for any metric."""
    frame = _by_dataset(_shown_points(data))
    columns = [
        *(METHOD, SOURCE, DATASET, QUALITY),
        *number_columns("bpp", bpp="payload", bpp_total="total"),
        *number_columns(psnr_db="PSNR [dB]", ms_ssim_db="MS-SSIM [dB]", ms_ssim="MS-SSIM"),
        *(Column(metric_stem(name), _title(name)) for name in data.perceptual.asked),
        *number_columns(n_images="Images", n_failed="Failed"),
    ]
    caption = "Means over images; MS-SSIM in dB is the mean of the per-image dB, where the source gives it."
    return Table(
        "rd_points",
        "Rate-distortion points",
        caption,
        columns,
        table_rows(frame, partial(_rd_cells, frame=frame, metrics=data.perceptual.asked)),
    )


def sources_table(data: ReportData) -> Table:
    """Where every curve of the report is from that others measured."""
    shown = _shown_points(data)
    imported = shown[shown.provenance == "imported"].drop_duplicates(["curve", "image_set"]).assign(origin="imported")
    shown = shown[shown.provenance == "published"].drop_duplicates(["codec", "dataset"])[["codec", "dataset"]]
    frame = published.load_points(list(shown.codec)).drop_duplicates(["codec", "dataset"]).merge(shown)
    columns = [METHOD, *text_columns(slug="Slug", dataset="Data set", origin="Origin", source="From", note="Note")]
    caption = "Nothing of this was measured here. Digitised: read off a figure."
    rows = table_rows(frame, _source_cells) + table_rows(imported, _source_cells)
    return Table("sources", "Sources of the points of others", caption, columns, rows)


def _shown_points(data: ReportData) -> pd.DataFrame:
    """The points that are shown for any metric."""
    points = data.points[~data.points.narrowed]
    parts = [data.visible_rows(points[points[metric].notna()], metric) for metric in METRIC_NAMES]
    parts.append(points[points.provenance != "published"])
    return data.points.loc[sorted(set().union(*(part.index for part in parts)))]


def _source_cells(row: Any) -> dict[str, Cell]:
    texts = {"method": row.label, "slug": row.codec, "dataset": dataset_label(row.dataset)}
    texts |= {key: getattr(row, key) or "-" for key in ("origin", "source", "note")}
    return {key: text_cell(text) for key, text in texts.items()}


def _by_dataset(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with the data sets in the paper's order, otherwise as they come."""
    order = sort_datasets(set(frame.dataset))
    return frame.assign(at=frame.dataset.map(order.index)).sort_values("at", kind="stable")


def _title(metric: str) -> str:
    return metric_label(metric) + (f" [{metric_unit(metric)}]" if metric_unit(metric) else "")


def _bd_cells(row: Any, range_key: str) -> dict[str, Cell]:
    left_out = row.left_out and f"{row.left_out}."
    notes = [row.reason, left_out, row.anchor_note, row.images_note, _note_printed_ms_ssim(row)]
    notes = [note for note in notes if note]
    methods = {name: number_cell(getattr(row, name), 2, notes=notes if name == "pchip" else ()) for name in METHODS}
    span = "" if pd.isna(row.loo_low) else f"{row.loo_low:.2f} .. {row.loo_high:.2f}"
    common = (
        "" if pd.isna(row.low) else " .. ".join(metric_value(row.metric, end).split()[0] for end in (row.low, row.high))
    )
    more = {"overlap_pct": number_cell(100 * row.overlap, 0), "n_points": number_cell(row.n_points, 0)}
    spans = {key: Cell(value or "-", value or None) for key, value in (("loo", span), (range_key, common))}
    return codec_cells(row) | {"anchor": text_cell("-" if row.reason else row.anchor)} | methods | more | spans


def _note_printed_ms_ssim(row: Any) -> str:
    """What the paper's Table 4 prints if the published points give another value; else ""."""
    if row.metric != "ms_ssim_db" or row.provenance != "published" or row.anchor_curve != "published:vtm-9.1-lalic":
        return ""
    printed = published.printed_table4().get(row.codec, {}).get(row.dataset)
    computed = f"{row.pchip:.2f}"
    if printed is None or f"{printed:.2f}" == computed:
        return ""
    return f"The paper's Table 4 prints {printed:.2f}; the published points give {computed}."


def _rd_cells(row: Any, frame: pd.DataFrame, metrics: Sequence[str]) -> dict[str, Cell]:
    """metrics: perceptual ones, whose names are no names of attributes of a row."""
    note = () if row.complete else (NO_SIZES if pd.isna(row.bpp) else NOT_ALL,)
    exact = (EXACT,) if row.provenance == "measured" and pd.isna(row.psnr_db) else ()
    return codec_cells(row) | {
        "bpp": number_cell(row.bpp, 4, notes=note),
        "bpp_total": number_cell(row.bpp_total, 4),
        "psnr_db": number_cell(row.psnr_db, 3, notes=exact),
        "ms_ssim_db": number_cell(row.ms_ssim_db, 3),
        "ms_ssim": number_cell(row.ms_ssim, 5),
        **{metric_stem(name): number_cell(frame.loc[row.Index, name], _digits(name)) for name in metrics},
        "n_images": number_cell(row.n_images, 0),
        "n_failed": number_cell(row.n_failed, 0),
    }


def _digits(metric: str) -> int:
    """After the point: fewer for a scale that goes to 100."""
    highest = METRICS[metric].highest
    return 3 if metric_unit(metric) or (highest or 0) > 1 else 5
