"""The tables behind Table 1: BD-rate by method, points, times, memory, operations, failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from lic_bench.rate_distortion import published
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import codec_notes, published_slug
from lic_bench.report.tables.codec_columns import DATASET, METHOD, QUALITY, SOURCE, codec_cells, table_rows
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, text_cell

TIMES = {"median": "median_s", "p10": "p10_s", "p90": "p90_s", "per_mp": "s_per_mp", "cold": "cold_start_s"}
Cells = Callable[[Any], Mapping[str, Cell]]


def latency_table(data: ReportData) -> Table:
    """Median, p10, p90 of encoding and decoding per codec, quality and data set, in milliseconds."""
    columns = [
        METHOD,
        SOURCE,
        DATASET,
        QUALITY,
        *(c for name in ("encode", "decode") for c in _time_columns(name)),
        *(Column("n_images", "Images"), Column("n_samples", "Samples")),
    ]
    keys = ["curve", "run", "codec", "label", "device", "weights", "dataset", "quality"]
    groups = data.latency.groupby(keys, sort=False)
    rows = [Row("measured", _latency_cells(group)) for _, group in groups]
    caption = (
        "Over the repeats of each image, then the mean over images. Encoding: image tensor to bytes; decoding: bytes "
        "to 8-bit image; both synchronised with the device. Cold start: the first call of a freshly loaded codec."
    )
    return Table("latency", "Latency", caption, columns, rows)


def memory_table(data: ReportData) -> Table:
    """The peak of each kind of memory per codec, quality and data set, in megabytes."""
    kinds = sorted(set(data.memory.what))
    columns = [
        METHOD,
        SOURCE,
        DATASET,
        QUALITY,
        *map(_memory_column, kinds),
    ]
    groups = data.memory.groupby(["run", "codec", "label", "device", "dataset", "quality"], sort=False)
    rows = []
    for _, group in groups:
        values = {f"{what}_mb": number_cell(peak / 1e6, 1) for what, peak in zip(group.what, group.bytes, strict=True)}
        rows.append(Row("measured", codec_cells(group.iloc[0]) | values))
    caption = (
        "Megabytes (10^6 bytes), the largest over the images. allocated, reserved: torch's allocator on the GPU with "
        "all loaded codecs; nvml process: what the driver counts for the process, CUDA's context included; nvml "
        "device: for everyone on the GPU; rss: resident memory of the whole process; children rss: of the programs it "
        "starts; growth: the rise during the call, the codec's own."
    )
    return Table("memory", "Peak memory", caption, columns, rows)


def complexity_table(data: ReportData) -> Table:
    """Multiply-accumulates and parameters by each counter, and what the counter left out."""
    columns = [
        *(METHOD, Column("run", "Run", align="left")),
        *(QUALITY, Column("size", "Size"), Column("counter", "Counter", align="left")),
        *(Column("path", "Path", align="left"), Column("gmac", "GMAC"), Column("kmac_per_pixel", "kMAC/pixel")),
        *(Column("against_exact_pct", "Against exact [%]"), Column("parameters_m", "Params(M)")),
        *(Column("paper_gmac", "GMAC", "LALIC paper"), Column("paper_params_m", "Params(M)", "LALIC paper")),
        Column("uncounted", "Counted as nothing", align="left", folded="kinds"),
    ]
    caption = (
        "LALIC paper: what its Table 1 prints for this codec, at 768 x 512. thop counts module by module, by their "
        "class; fvcore the operators of a traced graph; exact every convolution and matrix product that runs, and "
        "operators of codecs that state their cost. One multiply-accumulate is two FLOPs; of operators that state "
        "operations, half. What runs twice counts twice, buffers never. Parameters count once; thop counts those of "
        "modules that it has a rule for, and twice where a module is registered twice. Encode and decode are what "
        "compressing and decompressing run, without the entropy coder. Where a counter is more than 5 % from exact, "
        "in all or in one kind of arithmetic, a note says by what."
    )
    return Table(
        "complexity", "Operations and parameters", caption, columns, table_rows(data.complexity, _complexity_cells)
    )


def failures_table(data: ReportData) -> Table:
    """Every failed record with its error."""
    keys = ("run", "quality", "dataset", "image", "error")
    columns = [METHOD, *(Column(key, key.title(), align="left") for key in keys)]
    caption = "Failed records enter no mean and no curve; a quality with a failed image is left out of its curve."
    rows = table_rows(
        data.failures, lambda r: {"method": text_cell(r.label)} | {key: text_cell(getattr(r, key)) for key in keys}
    )
    return Table("failures", "Failures", caption, columns, rows)


def _time_columns(operation: str) -> list[Column]:
    group = {"encode": "Encoding [ms]", "decode": "Decoding [ms]"}[operation]
    parts = {"median": "median", "p10": "p10", "p90": "p90", "per_mp": "per MP", "cold": "cold start"}
    return [Column(f"{operation}_{key}_ms", title, group) for key, title in parts.items()]


def _memory_column(kind: str) -> Column:
    """ "encode_rss_growth" -> rss growth under Encoding [MB]; "weights" by itself."""
    head, _, tail = kind.partition("_")
    group = {"encode": "Encoding [MB]", "decode": "Decoding [MB]"}.get(head, "")
    return Column(f"{kind}_mb", tail.replace("_", " ") if group else f"{kind.replace('_', ' ')} [MB]", group)


def _latency_cells(group: pd.DataFrame) -> dict[str, Cell]:
    random = group.weights.iloc[0] == "random"
    note = ("Random weights: the entropy coder's share of these times is not representative.",) if random else ()
    cells = codec_cells(group.iloc[0])
    for row in group.to_dict("records"):
        for key, column in TIMES.items():
            shown = None if pd.isna(row[column]) else 1e3 * float(row[column])
            cells[f"{row['operation']}_{key}_ms"] = number_cell(shown, 1, notes=note if key == "median" else ())
    last = group.iloc[-1]
    return cells | {"n_images": number_cell(last.n_images, 0), "n_samples": number_cell(last.n_samples, 0)}


def _complexity_cells(row: Any) -> dict[str, Cell]:
    macs = None if pd.isna(row.macs) else float(row.macs)
    per_pixel = macs / row.width / row.height / 1e3 if macs is not None else None
    note: tuple[str, ...] = () if pd.isna(row.error) else (f"{row.counter}: {row.error}",)
    note += (codec_notes(row.codec),) if row.counter == "thop" and codec_notes(row.codec) else ()
    cells = {
        "method": text_cell(row.label),
        "quality": number_cell(row.quality, 0),
        "size": text_cell(f"{row.width} x {row.height}"),
    }
    cells |= {key: text_cell(getattr(row, key)) for key in ("run", "counter", "path")} | {
        "uncounted": text_cell(row.uncounted or "-")
    }
    cells |= {"gmac": number_cell(macs / 1e9 if macs is not None else None, 2, notes=note)}
    why = (row.explanation,) if row.explanation else ()
    cells |= {"against_exact_pct": number_cell(100 * row.against_exact, 1, notes=why)}
    cells |= {"kmac_per_pixel": number_cell(per_pixel, 1), "parameters_m": number_cell(row.parameters / 1e6 or None, 2)}
    printed = published.printed_complexity(published_slug(row.codec))
    if printed and row.counter == "thop" and (row.width, row.height) == published.PRINTED_AT:
        cells |= {
            key: number_cell(value, 2) for key, value in zip(("paper_gmac", "paper_params_m"), printed, strict=True)
        }
    return cells
