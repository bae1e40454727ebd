"""The tables of rates and quality: BD-rates in detail, points, sources."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.bd_rate import METHODS
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import METRIC_NAMES, dataset_label, sort_datasets
from lic_bench.report.tables.codec_columns import DATASET, METHOD, QUALITY, SOURCE, codec_cells, table_rows
from lic_bench.report.tables.table import Cell, Column, Table, number_cell, text_cell

EXACT = "An image came back exactly, so PSNR has no finite mean, or quality was not measured: not in the curve."


PRINTED_MS_SSIM = "The paper's Table 4 prints {was:.2f}; the published points give {now}."


def bd_table(data: ReportData, metric: str) -> Table:
    """Per curve and data set: pchip, cubic, akima, overlap, common range, leave-one-point-out span, points."""
    frame = data.visible(data.bd_for(metric), metric)
    frame = frame[frame.codec.ne(data.anchor.slug(metric)) | (frame.provenance == "measured")]
    frame = frame[frame.curve.ne(frame.anchor_curve)]  # an anchor against itself
    columns = [
        METHOD,
        SOURCE,
        *(DATASET, Column("anchor", "Anchor", align="left")),
        *(Column(name, name, "BD-rate [%]") for name in METHODS),
        Column("loo", "leave one out", "BD-rate [%]"),
        *(Column("overlap_pct", "overlap [%]", "Common range"), Column("range_db", "dB", "Common range")),
        Column("n_points", "Points"),
    ]
    caption = (
        "Each against the anchor beside it, negative is better. Overlap: common interval over "
        "joint range. Leave one out: lowest and highest pchip value with one point of the curve left out; "
        "differences within it do not rank codecs."
    )
    name = {"psnr_db": "bd_rate", "ms_ssim_db": "bd_rate_ms_ssim"}[metric]
    title = f"BD-rate ({METRIC_NAMES[metric]}) in detail"
    return Table(name, title, caption, columns, table_rows(_by_dataset(frame), _bd_cells))


def rd_table(data: ReportData) -> Table:
    """Every rate-distortion point that is shown for any metric."""
    frame = _shown(data)
    columns = [
        METHOD,
        SOURCE,
        DATASET,
        QUALITY,
        *(Column("bpp", "payload", "bpp"), Column("bpp_total", "total", "bpp")),
        *(Column("psnr_db", "PSNR [dB]"), Column("ms_ssim_db", "MS-SSIM [dB]"), Column("ms_ssim", "MS-SSIM")),
        *(Column("n_images", "Images"), Column("n_failed", "Failed")),
    ]
    caption = "Means over images; MS-SSIM in dB is the mean of the per-image dB, where the source gives it."
    return Table("rd_points", "Rate-distortion points", caption, columns, table_rows(_by_dataset(frame), _rd_cells))


def sources_table(data: ReportData) -> Table:
    """Where every published curve of the report is from."""
    shown = _shown(data)
    shown = shown[shown.provenance == "published"].drop_duplicates(["codec", "dataset"])[["codec", "dataset"]]
    frame = published.load_points(list(shown.codec)).drop_duplicates(["codec", "dataset"]).merge(shown)
    columns = [
        *(METHOD, Column("slug", "Slug", align="left")),
        *(DATASET, Column("origin", "Origin", align="left")),
        *(Column("source", "From", align="left"), Column("note", "Note", align="left")),
    ]
    caption = "Nothing of this was measured here. Digitised: read off a figure."
    return Table("sources", "Sources of the published points", caption, columns, table_rows(frame, _source_cells))


def _shown(data: ReportData) -> pd.DataFrame:
    """The points that are shown for any metric."""
    parts = [data.visible(data.points[data.points[metric].notna()], metric) for metric in METRIC_NAMES]
    parts.append(data.points[data.points.provenance == "measured"])
    return data.points.loc[sorted(set().union(*(part.index for part in parts)))]


def _source_cells(row: Any) -> dict[str, Cell]:
    cells = {
        "method": text_cell(row.label),
        "slug": text_cell(row.codec),
        "dataset": text_cell(dataset_label(row.dataset)),
    }
    return cells | {key: text_cell(getattr(row, key) or "-") for key in ("origin", "source", "note")}


def _by_dataset(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with the data sets in the paper's order, otherwise as they come."""
    order = sort_datasets(set(frame.dataset))
    return frame.assign(at=frame.dataset.map(order.index)).sort_values("at", kind="stable")


def _bd_cells(row: Any) -> dict[str, Cell]:
    notes = [
        note
        for note in (row.reason, row.left_out and f"{row.left_out}.", row.anchor_note, _printed_ms_ssim(row))
        if note
    ]
    methods = {name: number_cell(getattr(row, name), 2, notes=notes if name == "pchip" else ()) for name in METHODS}
    span = "" if pd.isna(row.loo_low) else f"{row.loo_low:.2f} .. {row.loo_high:.2f}"
    common = "" if pd.isna(row.low) else f"{row.low:.2f} .. {row.high:.2f}"
    more = {"overlap_pct": number_cell(100 * row.overlap, 0), "n_points": number_cell(row.n_points, 0)}
    spans = {key: Cell(value or "-", value or None) for key, value in (("loo", span), ("range_db", common))}
    return codec_cells(row) | {"anchor": text_cell("-" if row.reason else row.anchor)} | methods | more | spans


def _printed_ms_ssim(row: Any) -> str:
    """What Table 4 prints, where the published points give another value."""
    if row.metric != "ms_ssim_db" or row.provenance != "published" or row.anchor_curve != "published:vtm-9.1-lalic":
        return ""
    was = published.printed_table4().get(row.codec, {}).get(row.dataset)
    now = f"{row.pchip:.2f}"
    return "" if was is None or f"{was:.2f}" == now else PRINTED_MS_SSIM.format(was=was, now=now)


def _rd_cells(row: Any) -> dict[str, Cell]:
    note = () if row.complete else ("Not over all images: left out of the curve.",)
    exact = (EXACT,) if row.provenance == "measured" and pd.isna(row.psnr_db) else ()
    cells = {"bpp": number_cell(row.bpp, 4, notes=note), "bpp_total": number_cell(row.bpp_total, 4)}
    cells |= {
        "psnr_db": number_cell(row.psnr_db, 3, notes=exact),
        "ms_ssim_db": number_cell(row.ms_ssim_db, 3),
        "ms_ssim": number_cell(row.ms_ssim, 5),
    }
    return (
        codec_cells(row) | cells | {"n_images": number_cell(row.n_images, 0), "n_failed": number_cell(row.n_failed, 0)}
    )
