"""Table 1 of the paper: times, memory, operations, parameters and BD-rate, published and measured rows together."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from lic_bench.rate_distortion import published
from lic_bench.report.frames.codec_costs import OPERATIONS, memory_of_operation
from lic_bench.report.frames.measured_codecs import MeasuredCodec, measured_codecs
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import dataset_label, only_decodes, optimised_for, plural, sort_datasets, source_label
from lic_bench.report.tables.bd_cells import has_other_anchor, measured_bd_cell, published_bd_cell
from lic_bench.report.tables.codec_columns import METHOD, ONLY_DECODES, SOURCE
from lic_bench.report.tables.imported_rows import imported_rows
from lic_bench.report.tables.rate_columns import rate_cells, rate_columns, rates_sentence, untimed_dataset
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, number_columns, text_cell
from lic_bench.report.tables.throughput_table import best_throughput
from lic_bench.store.records import ELSEWHERE

PRINTED = (
    "Times, memory, FLOPs and parameters as printed in arXiv:2502.05741, Table 1: one NVIDIA RTX 4090, Kodak; FLOPs "
    "and parameters by thop."
)
RANDOM_TIME = "Random weights: the networks work as with trained ones, the entropy coder's share of the time does not."
MEASURED = (
    "Measured rows: times are the mean over qualities and images of the median over repeats; memory is weights plus "
    "the peak growth of torch's allocator on a GPU, of the resident memory on a CPU, with that of the programs a codec "
    "starts; FLOPs and parameters are thop's, as the paper's are: multiply-accumulates of one forward pass, and the "
    "parameters of the modules for which thop has a rule."
)
CODED_ELSEWHERE = (
    "coded and decoded elsewhere, so without times; PSNR and MS-SSIM measured here on the decoded pictures."
)
SIZES = "bpp is of the sizes that came with them, headers included."
NO_SIZES = "Sizes are not known: no rates, no curves."
OF_BITSTREAMS = "Of the decoding network that each bitstream brings along: the mean over qualities and pictures."
THROUGHPUT = "Throughput [images/s]", {"encode_images_per_s": "Enc", "decode_images_per_s": "Dec"}
COMPLEXITY = {"mem_gb": "Mem(GB)", "flops_g": "FLOPs(G)", "params_m": "Params(M)"}


def table1(data: ReportData) -> Table:
    """Method, source, Enc(s), Dec(s), Mem(GB), FLOPs(G), Params(M), BD-rate (PSNR) per data set, failures.

    Where a run took no times, bpp and PSNR too. Codecs optimised for MS-SSIM are not in it, as in the paper.
    """
    datasets = _bd_datasets(data)
    slugs, all_measured = _published_slugs(data), measured_codecs(data)
    measured = [row for row in all_measured if optimised_for(row.codec) != "ms-ssim"]
    apart = [row.label for row in all_measured if row not in measured]
    rates_on = untimed_dataset(data, measured)
    shown = [(_published_row(data, slug, datasets), f"published:{slug}") for slug in slugs]
    shown += [row for imported in data.imported for row in imported_rows(data, imported, datasets)]
    shown += [(measured_row(data, row, datasets), row.curve) for row in measured]
    rows = [replace(row, cells={**row.cells, **rate_cells(data, curve, rates_on)}) for row, curve in shown]
    curves = {curve for row, curve in shown if row.provenance != "imported"}
    columns = [
        *(METHOD, SOURCE, *rate_columns(rates_on), *number_columns(enc_s="Enc(s)", dec_s="Dec(s)")),
        *(Column(key, title, THROUGHPUT[0], optional=True) for key, title in _throughput_columns(data).items()),
        *(Column(key, title, optional=True) for key, title in COMPLEXITY.items()),
        *number_columns("BD-rate (PSNR) [%]", **{f"bd_{name}": dataset_label(name) for name in datasets}),
        *(number_columns(failed="Failed") if len(data.failures) else ()),
    ]
    rows = _mark_best(rows, [f"bd_{name}" for name in datasets])
    caption = _caption(data, datasets, curves) + rates_sentence(rates_on) + _apart_sentence(apart)
    return Table("table1", "Rate-distortion and complexity", caption, columns, rows)


def _throughput_columns(data: ReportData) -> dict[str, str]:
    return THROUGHPUT[1] if len(data.throughput) else {}


def _apart_sentence(labels: Sequence[str]) -> str:
    names = ", ".join(dict.fromkeys(labels))
    return f" Optimised for MS-SSIM, hence in the table of BD-rates (MS-SSIM) alone: {names}." if names else ""


def _bd_datasets(data: ReportData) -> list[str]:
    """The data sets with a BD-rate of a codec other than the anchor, in the paper's order."""
    bd = data.bd_for("psnr_db")
    used = (bd.provenance != "published") | bd.codec.isin([*data.asked_slugs["psnr_db"], *data.stand_in_slugs])
    return sort_datasets(set(bd.dataset[used & bd[data.method].notna() & (bd.curve != bd.anchor_curve)]))


def _caption(data: ReportData, datasets: Sequence[str], curves: Collection[str]) -> str:
    """The caption for rows of these curves: anchors, how the numbers were obtained, data sets without BD-rate."""
    anchors = data.anchor_label + _other_anchors(data, datasets, curves)
    sentences = [
        f"BD-rate against {anchors} by {data.method} on log rate, negative is "
        "better; bpp counts the payload. Times are seconds per image."
    ]
    if data.runs:
        sentences.append(MEASURED)
    bd = data.bd_for("psnr_db")
    for name in sort_datasets(set(bd.dataset) - set(datasets)):
        reasons = bd.reason[(bd.dataset == name) & (bd.reason != "") & (bd.provenance != "published")]
        sentences.append(f"No BD-rate on {dataset_label(name)}: {reasons.iloc[0]}" if len(reasons) else "")
    return " ".join(filter(None, sentences))


def _other_anchors(data: ReportData, datasets: Sequence[str], curves: Collection[str]) -> str:
    """Names the anchors of footnoted BD-rates of these curves; "" if all refer to the first anchor."""
    bd = data.bd_for("psnr_db")
    bd = bd[bd.dataset.isin(datasets) & bd.curve.isin(curves) & bd[data.method].notna()]
    others = set(bd.anchor[[has_other_anchor(data, row) for row in bd.itertuples()]])
    return f" (or, where footnoted, {', '.join(sorted(others))})" if others else ""


def _published_slugs(data: ReportData) -> list[str]:
    """The paper's rows in the paper's order, then the other published codecs with a PSNR curve by label."""
    bd = data.visible_rows(data.bd_for("psnr_db"), "psnr_db")
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
        cells |= {key: number_cell(row[key], 2) for key in ("flops_g", "params_m")}
        cells["mem_gb"] = number_cell(row.mem_g, 3)
        if isinstance(row.dec_s_printed, str):
            cells["dec_s"] = Cell(row.dec_s_printed, row.dec_s_printed)
    else:
        cells["source"] = text_cell("published")
    bds = {f"bd_{name}": published_bd_cell(data, slug, name) for name in datasets}
    return Row("published", cells | bds)


def measured_row(data: ReportData, row: MeasuredCodec, datasets: Sequence[str]) -> Row:
    """The row of Table 1 of a measured codec, with the BD-rates on these data sets."""
    note = [RANDOM_TIME] if row.weights == "random" else []
    encoding_note = ONLY_DECODES if only_decodes(row.codec) else note if row.enc_s else []
    failed = int((row.records.status != "ok").sum())
    cells = {
        "method": text_cell(row.label),
        "source": text_cell(source_label(row.run.name, row.device, data.runs), _source(row)),
        "enc_s": number_cell(row.enc_s, 3, notes=encoding_note),
        "dec_s": number_cell(row.dec_s, 3, notes=note if row.dec_s else []),
        "mem_gb": _memory_cell(data, row),
        "failed": Cell(f"{failed}/{len(row.records)}" if failed else "0", failed),
    }
    bds = {f"bd_{name}": measured_bd_cell(data, row, name) for name in datasets}
    cells |= best_throughput(data, row.curve) or best_throughput(data, row.timed_curve)
    provenance = "elsewhere" if row.device == ELSEWHERE else "measured"
    return Row(provenance, cells | _complexity_cells(data, row) | bds)


def _source(row: MeasuredCodec) -> str:
    """The footnote that says where and on what a row was measured."""
    if row.device == ELSEWHERE:
        sizes = NO_SIZES if row.records.payload_bytes.isna().all() else SIZES
        return f"Run {row.run.name}: {CODED_ELSEWHERE} {sizes}"
    protocol = ", ".join(sorted(set(row.records.protocol))) or "none, as nothing was timed"
    timed_on = ""
    if row.dataset:
        qualities = "1 quality" if row.n_qualities == 1 else f"{row.n_qualities} qualities"
        images = plural(row.n_images, "image")
        elsewhere = f" in run {row.timed_in.name}" if row.timed_in else ""
        timed_on = f"; times and memory{elsewhere} on {dataset_label(row.dataset)}, {images}, {qualities}"
    return f"Run {row.run.name} on {row.device}: {row.machine}, protocol {protocol}{timed_on}."


def _memory_cell(data: ReportData, row: MeasuredCodec) -> Cell:
    is_timed = data.memory.dataset.eq(row.dataset) if row.dataset else data.memory.dataset.notna()
    kinds = data.memory[data.memory.curve.eq(row.timed_curve) & is_timed].groupby("what")
    peaks = {str(kind): float(peak) for kind, peak in kinds.bytes.max().items()}
    needed = [memory for name in OPERATIONS if (memory := memory_of_operation(peaks, name)) is not None]
    return number_cell(max(needed) / 1e9 if needed else None, 3)


def _complexity_cells(data: ReportData, row: MeasuredCodec) -> dict[str, Cell]:
    rows = row.complexity(data)
    if only_decodes(row.codec) and len(rows):
        flops_g, params_m = rows.macs.mean() / 1e9, rows.parameters.mean() / 1e6
        cells = {"flops_g": (flops_g, 2), "params_m": (params_m, 4)}
        return {name: number_cell(*value, notes=(OF_BITSTREAMS,)) for name, value in cells.items()}
    rows = rows[(rows.counter == "thop") & (rows.path == "forward")]
    if rows.empty:
        return {}
    at_printed_size = (rows.width == published.PRINTED_AT[0]) & (rows.height == published.PRINTED_AT[1])
    first: Any = rows.iloc[int(at_printed_size.argmax())]  # the first row if the paper's size was not counted
    notes = [] if pd.isna(first.error) else [f"thop failed: {first.error}"]
    if (first.width, first.height) != published.PRINTED_AT:
        size = " x ".join(map(str, published.PRINTED_AT))
        notes.append(f"Counted at {first.width} x {first.height}; the paper counts at {size}.")
    macs = None if pd.isna(first.macs) else float(first.macs) / 1e9
    return {"flops_g": number_cell(macs, 2, notes=notes), "params_m": number_cell(first.parameters / 1e6 or None, 2)}


def _mark_best(rows: list[Row], keys: Sequence[str]) -> list[Row]:
    """The rows with the lowest value of each column marked, if more than two values may be ranked."""
    for key in keys:
        cells = [(i, row.cells[key]) for i, row in enumerate(rows)]
        values = {i: cell.value for i, cell in cells if cell.ranks and isinstance(cell.value, float)}
        lowest = min(values.values()) if len(values) > 2 else None
        for i in [i for i, value in values.items() if value == lowest]:
            rows[i] = replace(rows[i], cells={**rows[i].cells, key: replace(rows[i].cells[key], best=True)})
    return rows
