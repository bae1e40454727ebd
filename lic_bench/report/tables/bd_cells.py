"""The BD-rate cells of Table 1 with their footnotes."""

from dataclasses import replace
from typing import Any

import pandas as pd

from lic_bench.defaults import ANCHOR
from lic_bench.rate_distortion import published
from lic_bench.report.frames.measured_codecs import MeasuredCodec
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import codec_label, images_label, published_slug
from lic_bench.report.tables.table import Cell, number_cell


def published_bd_cell(data: ReportData, slug: str, dataset: str) -> Cell:
    """The BD-rate of a published curve; a footnote says what the paper's Table 1 prints if that differs."""
    cell = bd_cell(data, f"published:{slug}", dataset)
    printed = published.printed_table1()
    comparable = data.method == "pchip" and data.anchor.codec == ANCHOR and data.anchor.only != "measured"
    if cell is None or cell.value is None or not comparable or slug not in printed.index:
        return cell or Cell("-")
    value = printed.loc[slug].get(f"bd_{dataset}", float("nan"))
    if f"{value:.2f}" == cell.text:
        return cell
    if pd.isna(value):
        return replace(cell, notes=(*cell.notes, "The paper prints no value; this one is from published points."))
    note = f"The paper prints {value:.2f}; the published points give {cell.text}."
    hints = data.points.note[(data.points.codec == slug) & (data.points.dataset == dataset)]
    return replace(cell, notes=(*cell.notes, f"{note} {_first_sentence(hints.iloc[0])}".strip()))


def _first_sentence(note: str) -> str:
    head, stop, _ = note.partition(". ")
    return head + stop.strip()


def bd_cell(data: ReportData, curve: str, dataset: str) -> Cell | None:
    """The BD-rate on PSNR of a curve on a data set, with its footnotes; None if there is no such curve."""
    rows = data.bd[(data.bd.curve == curve) & (data.bd.dataset == dataset) & (data.bd.metric == "psnr_db")]
    if rows.empty:
        return None
    row = rows.iloc[0]
    notes = [note for note in (row.reason, row.left_out and f"{row.left_out}.") if note]
    main = codec_label(data.anchor.slug("psnr_db"))
    if is_other := has_other_anchor(data, row):
        notes.append(f"Against {row.anchor}: {main} is not known over these images.")
    notes += [note for note in (row.anchor_note, row.images_note) if note]
    is_apart = not row.reason and row.image_set != _usual_image_set(data, dataset)
    if is_apart and not is_other:
        notes.append(f"Over {images_label(row.image_set)}, which are not the pictures of the other rows.")
    return replace(number_cell(row[data.method], 2, notes=notes), ranks=not (is_other or is_apart))


def _usual_image_set(data: ReportData, dataset: str) -> str:
    """The pictures that most BD-rates of this column are over: the published ones, else those of most curves."""
    rows = data.bd_for("psnr_db")
    sets = rows.image_set[(rows.dataset == dataset) & (rows.reason == "")]
    return dataset if (sets == dataset).any() else str(sets.mode().iloc[0])


def has_other_anchor(data: ReportData, row: Any) -> bool:
    """Whether this row of `data.bd` refers to another anchor than the first one that was asked for."""
    return not row.reason and row.anchor_codec not in (data.anchor.codec, data.anchor.slug(row.metric))


def measured_bd_cell(data: ReportData, row: MeasuredCodec, dataset: str) -> Cell:
    """The BD-rate of a measured codec; with random weights that of its published curve, marked as such."""
    if own := bd_cell(data, row.curve, dataset):
        return own
    slug = published_slug(row.codec)
    cell = bd_cell(data, f"published:{slug}", dataset) if row.weights == "random" and slug else None
    if cell is None or cell.value is None:
        return Cell("-")
    note = "Random weights in this run: the BD-rate is that of the codec's published curve, not measured here."
    return replace(cell, notes=(note,), ranks=False)
