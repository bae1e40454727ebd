"""The section "Tables of the paper": Tables 1 to 5 of the LALIC paper, ours beside each printed number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pandas as pd

from lic_bench.defaults import ANCHOR
from lic_bench.rate_distortion import published
from lic_bench.report.frames.ablation_counts import ablation_counts, attention_operations
from lic_bench.report.frames.bd_rates import METRIC_ANCHORS, Anchor, bd_frame
from lic_bench.report.frames.measured_codecs import measured_codecs
from lic_bench.report.frames.printed_tables import FIRST_ABLATION, PrintedValue, ablation_name, printed_values
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import dataset_label, source_label
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, text_cell
from lic_bench.report.tables.table1 import measured_row

Ours = Callable[[PrintedValue], Mapping[str, Cell]]  # key of SIDES -> the cell beside a printed number
SIDES = {"printed": "printed", "ours": "ours", "their_way": "ours, their count"}  # key -> heading of the column
TITLES = {
    1: "Table 1: rate-distortion performance and complexity",
    2: "Table 2: number of blocks and entropy model",
    3: "Table 3: attention inside the Bi-RWKV block",
    4: "Table 4: BD-rate (MS-SSIM)",
    5: "Table 5: theoretical complexity of attention mechanisms",
}
NAMES = tuple(f"paper_table{number}" for number in TITLES)
ROW_TITLES = {1: "Method", 2: "#Layers, SCCTX", 3: "Attention", 4: "Method", 5: "Methods"}
FROM_POINTS = "From the published points; these runs did not measure it."
RUNS = "the run that measured it, on its machine"
CAPTIONS = {
    1: f"Times and memory printed are of one NVIDIA RTX 4090, on Kodak; ours are from {RUNS}. FLOPs and parameters are "
    "thop's on both sides. What no run measured has a dash, or no column.",
    2: "Ours: what thop counts in our networks; their count: the same with what differs in the authors' code, and h_a "
    "and h_s twice (benchmarks/ablations.py lists each difference). Conv Plus is our reading: the paper does not give "
    "its widths. BD-rate is against the first row, ours of a run that has trained both.",
    3: "∆FLOPs: operations of attention and shift in g_a, g_s, h_a and h_s. Ours: our networks' parameters, and their "
    "count. The paper says neither images nor lambda of its loss, so that none of ours stands beside it; losses of our "
    "own short trainings are in docs/training.md.",
    4: f"Against VTM-9.1 as the LALIC authors ran it, MS-SSIM in dB; ours are from {RUNS}. ELIC's network was trained "
    "for MSE, the others' for MS-SSIM; the weights of FAT and MLIC++ are released, those of TCM-large and LALIC not.",
    5: "Operations in units of L D, L tokens of D channels. Ours: the value of the formula.",
}


def paper_tables(data: ReportData) -> list[Table]:
    """The five tables; none where the paper's curves were not asked for."""
    if not set(published.printed_table1().index) <= set(data.asked_slugs["psnr_db"]):
        return []
    costs, bd_rates = _costs(data), _bd_rates(data)
    ours: dict[int, Ours] = {
        1: lambda value: bd_rates(value) if value.anchor else costs(value),
        2: lambda value: bd_rates(value) if value.anchor else _counts(value),
        3: _counts,
        4: bd_rates,
        5: lambda value: {"ours": _operations(value)},
    }
    return [_table(number, of, data.method) for number, of in ours.items()]


def _table(number: int, ours: Ours, method: str) -> Table:
    rows = [list(values) for _, values in groupby(printed_values(number), key=lambda value: value.row)]
    cells = [{_key(value): ours(value) for value in values} for values in rows]
    columns = [Column("row", ROW_TITLES[number], align="left")]
    columns += [Column("time_complexity", "Time complexity", align="left")] if number == 5 else []
    for value in rows[0]:
        there = [key for key in SIDES if key != "their_way" or any(key in row[_key(value)] for row in cells)]
        columns += [Column(f"{_key(value)}_{key}", SIDES[key], _heading(value)) for key in there]
    caption = f"Printed: arXiv:2502.05741. {CAPTIONS[number]}{_method(number, method)}{_slips(number)}"
    lines = [_row(values, found) for values, found in zip(rows, cells, strict=True)]
    return Table(NAMES[number - 1], TITLES[number], caption, columns, lines)


def _row(values: Sequence[PrintedValue], found: Mapping[str, Mapping[str, Cell]]) -> Row:
    cells = {"row": text_cell(values[0].row)}
    for value in values:
        shown = value.text.removesuffix("%")
        cells[f"{_key(value)}_printed"] = Cell(shown, shown if shown[0] == ">" else value.value)
        cells |= {f"{_key(value)}_{key}": cell for key, cell in found[_key(value)].items()}
    if values[0].table == 5:
        rows = published.paper_tables()["tables"]["5"]["rows"]
        cells["time_complexity"] = text_cell(next(r for r in rows if r["method"] == values[0].row)["time_complexity"])
    is_measured = any(note.startswith("Run ") for of in found.values() for cell in of.values() for note in cell.notes)
    return Row("measured" if is_measured else "published", cells)


def _key(value: PrintedValue) -> str:
    """The column's key in CSV files: "enc_s", "bd_rate_psnr_pct_clic"."""
    return f"{value.quantity}_{value.dataset}" if value.anchor and value.table != 2 else value.quantity


def _heading(value: PrintedValue) -> str:
    return f"BD-rate {dataset_label(value.dataset)} [%]" if value.anchor else value.column


def _method(number: int, method: str) -> str:
    return f" BD-rates of ours are by {method}." if number in (1, 2, 4) else ""


def _slips(number: int) -> str:
    slips = [slip for slip in published.paper_tables()["known_slips"] if slip.startswith(f"Table {number},")]
    return "".join(f" {slip}" for slip in slips)


def _costs(data: ReportData) -> Ours:
    """Times, memory, FLOPs and parameters of the first run that has them, trained weights before random ones."""
    rows = sorted(measured_codecs(data), key=lambda row: row.weights == "random")
    cells = [(row, measured_row(data, row, ()).cells) for row in rows]

    def costs(value: PrintedValue) -> Mapping[str, Cell]:
        key = "mem_gb" if value.quantity == "mem_g" else value.quantity
        for row, of in cells:
            if row.codec == value.codec and key in of and of[key].value is not None:
                notes = *of["source"].notes, *of[key].notes
                return {"ours": replace(of[key], notes=notes)}
        return {}

    return costs


def _bd_rates(data: ReportData) -> Ours:
    """BD-rates over the whole data set against the paper's anchor: measured, else of the published points."""
    first = Anchor(FIRST_ABLATION, measured_first=True, only="measured")
    psnr, ms_ssim = data.bd_for("psnr_db"), data.bd_for("ms_ssim_db")
    frames = {
        1: psnr[psnr.anchor_codec == ANCHOR],
        2: bd_frame(data.points[data.points.provenance == "measured"], [first], "psnr_db"),
        4: ms_ssim[ms_ssim.anchor_codec.isin((ANCHOR, METRIC_ANCHORS["ms_ssim_db", ANCHOR]))],
    }

    def bd_rates(value: PrintedValue) -> Mapping[str, Cell]:
        rows = frames[value.table]
        rows = rows[(rows.dataset == value.dataset) & (rows.image_set == value.dataset) & rows[data.method].notna()]
        measured = rows[(rows.provenance == "measured") & (rows.codec == value.codec)]
        points = rows[rows.curve == f"published:{value.curve}"]
        return _bd_cell(measured, data, value.digits) or _bd_cell(points, data, value.digits)

    return bd_rates


def _bd_cell(rows: pd.DataFrame, data: ReportData, digits: int) -> Mapping[str, Cell]:
    if rows.empty:
        return {}
    row: Any = rows.iloc[0]
    source = FROM_POINTS if row.provenance == "published" else f"Run {source_label(row.run, row.device, data.runs)}."
    notes = [note for note in (row.left_out and f"{row.left_out}.", row.anchor_note, source) if note]
    return {"ours": number_cell(row[data.method], digits, notes=notes)}


def _counts(value: PrintedValue) -> Mapping[str, Cell]:
    """FLOPs and parameters of an ablation as shipped; {} for its loss."""
    count = ablation_counts().get(ablation_name(value.row))
    if count is None or value.quantity == "loss":
        return {}
    if value.quantity == "delta_flops_g":
        return {"ours": number_cell(count.attention_and_shift_operations / 1e9, value.digits)}
    ours, theirs = {
        "flops_g": (count.macs / 1e9, count.their_way_macs / 1e9),
        "params_m": (count.parameters / 1e6, count.their_way_parameters / 1e6),
    }[value.quantity]
    return {"ours": number_cell(ours, value.digits), "their_way": number_cell(theirs, value.digits)}


def _operations(value: PrintedValue) -> Cell:
    operations = attention_operations().get(value.row)
    return Cell("-") if operations is None else Cell(f"{operations}LD", operations)
