"""Table 1 of the paper: times, memory, operations, parameters and BD-rate, published and measured rows together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from lic_bench.rate_distortion import published
from lic_bench.report.frames.bd_rates import DEFAULT_ANCHOR, sorted_datasets
from lic_bench.report.frames.measured_codecs import MeasuredCodec, measured_codecs
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import (
    codec_label,
    dataset_label,
    machine_name,
    plural,
    published_slug,
    sort_datasets,
    source_label,
)
from lic_bench.report.tables.codec_columns import METHOD, SOURCE
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, text_cell

PRINTED = (
    "Times, memory, FLOPs and parameters as printed in arXiv:2502.05741, Table 1: one NVIDIA RTX 4090, Kodak; FLOPs "
    "and parameters by thop."
)
RANDOM_TIME = "Random weights: the networks work as with trained ones, the entropy coder's share of the time does not."
MEASURED = (
    "Measured rows: times are the mean over qualities and images of the median over repeats; memory is weights plus "
    "the peak growth of torch's allocator on a GPU, of the resident memory on a CPU; FLOPs and "
    "parameters are thop's, as the paper's are: multiply-accumulates of one forward pass, and the parameters of the "
    "modules for which thop has a rule."
)
COMPLEXITY = {"mem_gb": "Mem(GB)", "flops_g": "FLOPs(G)", "params_m": "Params(M)"}


def table1(data: ReportData) -> Table:
    """Method, source, Enc(s), Dec(s), Mem(GB), FLOPs(G), Params(M), BD-rate (PSNR) per data set, failures."""
    datasets = _datasets(data)
    slugs, measured = _published_order(data), measured_codecs(data)
    rows = [_published_row(data, slug, datasets) for slug in slugs]
    rows += [_measured_row(data, row, datasets) for row in measured]
    curves = {*(f"published:{slug}" for slug in slugs), *(row.curve for row in measured)}
    columns = [
        METHOD,
        SOURCE,
        *(Column("enc_s", "Enc(s)"), Column("dec_s", "Dec(s)")),
        *(Column(key, title, optional=True) for key, title in COMPLEXITY.items()),
        *(Column(f"bd_{name}", dataset_label(name), "BD-rate (PSNR) [%]") for name in datasets),
    ]
    if len(data.failures):
        columns.append(Column("failed", "Failed"))
    rows = _best(rows, [f"bd_{name}" for name in datasets])
    return Table("table1", "Rate-distortion and complexity", _caption(data, datasets, curves), columns, rows)


def _datasets(data: ReportData) -> list[str]:
    """The data sets with a BD-rate of anything but the anchor itself."""
    bd = data.bd_for("psnr_db")
    used = (bd.provenance == "measured") | bd.codec.isin([*data.asked["psnr_db"], *data.twins])
    return sorted_datasets(bd[used & bd[data.method].notna() & (bd.curve != bd.anchor_curve)])


def _caption(data: ReportData, datasets: Sequence[str], curves: Collection[str]) -> str:
    """curves: those of the rows."""
    anchors = codec_label(data.anchor.codec) + _others(data, datasets, curves)
    lines = [
        f"BD-rate against {anchors} by {data.method} on log rate, negative is "
        "better; bpp counts the payload. Times are seconds per image."
    ]
    if data.runs:
        lines.append(MEASURED)
    bd = data.bd_for("psnr_db")
    for name in sort_datasets(set(bd.dataset) - set(datasets)):
        reasons = bd.reason[(bd.dataset == name) & (bd.reason != "") & (bd.provenance == "measured")]
        lines.append(f"No BD-rate on {dataset_label(name)}: {reasons.iloc[0]}" if len(reasons) else "")
    return " ".join(filter(None, lines))


def _others(data: ReportData, datasets: Sequence[str], curves: Collection[str]) -> str:
    """That some of the BD-rates shown refer to another anchor, if so."""
    bd = data.bd_for("psnr_db")
    bd = bd[bd.dataset.isin(datasets) & bd.curve.isin(curves) & bd[data.method].notna()]
    others = set(bd.anchor[[_other_anchor(data, row) for row in bd.itertuples()]])
    return f" (or, where footnoted, {', '.join(sorted(others))})" if others else ""


def _published_order(data: ReportData) -> list[str]:
    """The paper's rows in the paper's order, then the other published codecs with a PSNR curve by label."""
    bd = data.visible(data.bd_for("psnr_db"), "psnr_db")
    shown = set(bd.codec[bd.provenance == "published"])
    first = [slug for slug in published.printed_table1().index if slug in shown]
    return first + sorted(shown - set(first), key=lambda slug: (published.published_label(slug) or slug).lower())


def _published_row(data: ReportData, slug: str, datasets: Sequence[str]) -> Row:
    printed = published.printed_table1()
    cells = {"method": text_cell(published.published_label(slug))}
    if slug in printed.index:
        row: Any = printed.loc[slug]
        cells["source"] = text_cell("published", PRINTED)
        cells |= {key: number_cell(row[key], 3) for key in ("enc_s", "dec_s")}
        cells |= {"mem_gb": number_cell(row.mem_g, 3)} | {
            key: number_cell(row[key], 2) for key in ("flops_g", "params_m")
        }
        if isinstance(row.dec_s_printed, str):
            cells["dec_s"] = Cell(row.dec_s_printed, row.dec_s_printed)
    else:
        cells["source"] = text_cell("published")
    bds = {f"bd_{name}": _published_bd(data, slug, name) for name in datasets}
    return Row("published", cells | bds)


def _published_bd(data: ReportData, slug: str, dataset: str) -> Cell:
    cell = bd_cell(data, f"published:{slug}", dataset)
    printed = published.printed_table1()
    comparable = data.method == "pchip" and data.anchor.codec == DEFAULT_ANCHOR and data.anchor.only != "measured"
    if cell is None or cell.value is None or not comparable or slug not in printed.index:
        return cell or Cell("-")
    was = printed.loc[slug].get(f"bd_{dataset}", float("nan"))
    if pd.isna(was):
        return replace(cell, notes=(*cell.notes, "The paper prints no value; this one is from published points."))
    if f"{was:.2f}" == cell.text:
        return cell
    note = f"The paper prints {was:.2f}; the published points give {cell.text}."
    hints = data.points.note[(data.points.codec == slug) & (data.points.dataset == dataset)]
    return replace(cell, notes=(*cell.notes, f"{note} {_first_sentence(hints.iloc[0])}".strip()))


def _first_sentence(note: str) -> str:
    head, stop, _ = note.partition(". ")
    return head + stop.strip()


def bd_cell(data: ReportData, curve: str, dataset: str, metric: str = "psnr_db") -> Cell | None:
    """The BD-rate of a curve on a data set with what must be said about it; None where there is no such curve."""
    rows = data.bd[(data.bd.curve == curve) & (data.bd.dataset == dataset) & (data.bd.metric == metric)]
    if rows.empty:
        return None
    row = rows.iloc[0]
    notes = [note for note in (row.reason, row.left_out and f"{row.left_out}.") if note]
    main = codec_label(data.anchor.slug(metric))
    other = _other_anchor(data, row)
    if other:
        notes.append(f"Against {row.anchor}: {main} is not known over these images.")
    notes += [row.anchor_note] if row.anchor_note else []
    return replace(number_cell(row[data.method], 2, notes=notes), ranks=not other)


def _other_anchor(data: ReportData, row: Any) -> bool:
    """Whether a row of `data.bd` refers to another anchor than the chosen one."""
    return not row.reason and row.anchor_codec not in (data.anchor.codec, data.anchor.slug(row.metric))


def _measured_row(data: ReportData, row: MeasuredCodec, datasets: Sequence[str]) -> Row:
    machine = machine_name(row.run.info, row.device)
    protocol = ", ".join(sorted(set(row.records.protocol))) or "none, as nothing was timed"
    where = ""
    if row.dataset:
        qualities = "1 quality" if row.n_qualities == 1 else f"{row.n_qualities} qualities"
        where = f"; times and memory on {dataset_label(row.dataset)}, {plural(row.n_images, 'image')}, {qualities}"
    source = f"Run {row.run.name} on {row.device}: {machine}, protocol {protocol}{where}."
    note = [RANDOM_TIME] if row.weights == "random" else []
    failed = int((row.records.status != "ok").sum())
    cells = {
        "method": text_cell(row.label),
        "source": text_cell(source_label(row.run.name, row.device, data.runs), source),
        "enc_s": number_cell(row.enc_s, 3, notes=note if row.enc_s else []),
        "dec_s": number_cell(row.dec_s, 3, notes=note if row.dec_s else []),
        "mem_gb": _memory_cell(data, row),
        "failed": Cell(f"{failed}/{len(row.records)}" if failed else "0", failed),
    }
    bds = {f"bd_{name}": _measured_bd(data, row, name) for name in datasets}
    return Row("measured", cells | _complexity_cells(data, row) | bds)


def _measured_bd(data: ReportData, row: MeasuredCodec, dataset: str) -> Cell:
    if own := bd_cell(data, row.curve, dataset):
        return own
    twin = published_slug(row.codec)
    cell = bd_cell(data, f"published:{twin}", dataset) if row.weights == "random" and twin else None
    if cell is None or cell.value is None:
        return Cell("-")
    note = "Random weights in this run: the BD-rate is that of the codec's published curve, not measured here."
    return replace(cell, notes=(note,), ranks=False)


def _memory_cell(data: ReportData, row: MeasuredCodec) -> Cell:
    here = data.memory.dataset.eq(row.dataset) if row.dataset else data.memory.dataset.notna()
    mine = data.memory[data.memory.curve.eq(row.curve) & here].groupby("what").bytes.max()
    for kind in ("allocated_growth", "rss_growth"):
        peaks = mine[mine.index.isin([f"encode_{kind}", f"decode_{kind}"])]
        if len(peaks):
            return number_cell(float(peaks.max() + mine.get("weights", 0)) / 1e9, 3)
    return Cell("-")


def _complexity_cells(data: ReportData, row: MeasuredCodec) -> dict[str, Cell]:
    rows = data.complexity[(data.complexity.run == row.run.name) & (data.complexity.codec == row.codec)]
    rows = rows[(rows.counter == "thop") & (rows.path == "forward")]
    if rows.empty:
        return {}
    at_printed = (rows.width == published.PRINTED_AT[0]) & (rows.height == published.PRINTED_AT[1])
    first: Any = rows.iloc[int(at_printed.argmax())]  # that size, else the first
    notes = [] if pd.isna(first.error) else [f"thop failed: {first.error}"]
    if (first.width, first.height) != published.PRINTED_AT:
        size = " x ".join(map(str, published.PRINTED_AT))
        notes.append(f"Counted at {first.width} x {first.height}; the paper counts at {size}.")
    macs = None if pd.isna(first.macs) else float(first.macs) / 1e9
    return {"flops_g": number_cell(macs, 2, notes=notes), "params_m": number_cell(first.parameters / 1e6 or None, 2)}


def _best(rows: list[Row], keys: Sequence[str]) -> list[Row]:
    """The rows with the lowest value of each of these columns marked."""
    for key in keys:
        values = {
            i: c.value for i, row in enumerate(rows) if (c := row.cells[key]).ranks and isinstance(c.value, float)
        }
        lowest = min(values.values(), default=None) if len(values) > 2 else None
        for i in [i for i, value in values.items() if value == lowest]:
            rows[i] = replace(rows[i], cells={**rows[i].cells, key: replace(rows[i].cells[key], best=True)})
    return rows
