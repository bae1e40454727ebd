"""Latency, peak memory, operations with parameters, and failures."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from lic_bench.rate_distortion import published
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import codec_notes, only_decodes, published_slug
from lic_bench.report.tables.codec_columns import (
    DATASET,
    METHOD,
    ONLY_DECODES,
    QUALITY,
    SOURCE,
    codec_cells,
    grouped_rows,
    table_rows,
)
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, number_columns, text_cell, text_columns

TIMES = {"median": "median_s", "p10": "p10_s", "p90": "p90_s", "per_mp": "s_per_mp", "cold": "cold_start_s"}


def latency_table(data: ReportData) -> Table:
    """Median, p10, p90 of encoding and decoding per codec, quality and data set, in milliseconds."""
    columns = [
        *(METHOD, SOURCE, DATASET, QUALITY),
        *(column for operation in ("encode", "decode") for column in _time_columns(operation)),
        *number_columns(n_images="Images", n_samples="Samples"),
    ]
    keys = ("curve", "run", "codec", "label", "device", "weights", "dataset", "quality")
    rows = [Row("measured", _latency_cells(of_point)) for of_point in grouped_rows(data.latency, *keys)]
    caption = (
        "Over the repeats of each image, then the mean over images. Encoding: image tensor to bytes; decoding: bytes "
        "to 8-bit image; both synchronised with the device. Cold start: the first call of a freshly loaded codec."
    )
    return Table("latency", "Latency", caption, columns, rows)


def memory_table(data: ReportData) -> Table:
    """The peak of each kind of memory per codec, quality and data set, in megabytes."""
    columns = [METHOD, SOURCE, DATASET, QUALITY, *map(_memory_column, sorted(set(data.memory.what)))]
    rows = []
    for of_point in grouped_rows(data.memory, "run", "codec", "label", "device", "dataset", "quality"):
        values = {f"{row.what}_mb": number_cell(row.bytes / 1e6, 1) for row in of_point}
        rows.append(Row("measured", codec_cells(of_point[0]) | values))
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
        *(METHOD, *text_columns(run="Run"), QUALITY, *number_columns(size="Size")),
        *text_columns(counter="Counter", path="Path"),
        *number_columns(gmac="GMAC", kmac_per_pixel="kMAC/pixel"),
        *number_columns(against_exact_pct="Against exact [%]", parameters_m="Params(M)"),
        *number_columns("LALIC paper", paper_gmac="GMAC", paper_params_m="Params(M)"),
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
    rows = table_rows(data.complexity, _complexity_cells)
    return Table("complexity", "Operations and parameters", caption, columns, rows)


def failures_table(data: ReportData) -> Table:
    """Every failed record with its error."""
    keys = ("run", "quality", "dataset", "image", "error")
    columns = [METHOD, *text_columns(**{key: key.title() for key in keys})]
    caption = (
        "Failed records enter no mean. Measured codecs are compared with each other over the images that all of them "
        "have; in curves over all images, as those against published ones, a quality with a failed image is left out."
    )
    rows = table_rows(data.failures, lambda row: _texts(row, *keys))
    return Table("failures", "Failures", caption, columns, rows)


def _texts(row: Any, *keys: str) -> dict[str, Cell]:
    """The method and these columns of the frame, as they are."""
    return {"method": text_cell(row.label)} | {key: text_cell(getattr(row, key)) for key in keys}


def _time_columns(operation: str) -> list[Column]:
    group = {"encode": "Encoding [ms]", "decode": "Decoding [ms]"}[operation]
    titles = {"median": "median", "p10": "p10", "p90": "p90", "per_mp": "per MP", "cold": "cold start"}
    return number_columns(group, **{f"{operation}_{key}_ms": title for key, title in titles.items()})


def _memory_column(kind: str) -> Column:
    """ "encode_rss_growth": rss growth below the heading Encoding [MB]; "weights" has no heading."""
    operation, _, rest = kind.partition("_")
    group = {"encode": "Encoding [MB]", "decode": "Decoding [MB]"}.get(operation, "")
    return Column(f"{kind}_mb", rest.replace("_", " ") if group else f"{kind.replace('_', ' ')} [MB]", group)


def _latency_cells(rows: Sequence[Any]) -> dict[str, Cell]:
    """rows: of data.latency, for one codec, data set and quality."""
    random = rows[0].weights == "random"
    note = ("Random weights: the entropy coder's share of these times is not representative.",) if random else ()
    cells = codec_cells(rows[0])
    if only_decodes(rows[0].codec):
        cells["encode_median_ms"] = number_cell(None, 1, notes=ONLY_DECODES)
    for row in rows:
        for key, column in TIMES.items():
            seconds = getattr(row, column)
            time_ms = None if pd.isna(seconds) else 1e3 * float(seconds)
            cells[f"{row.operation}_{key}_ms"] = number_cell(time_ms, 1, notes=note if key == "median" else ())
    last = rows[-1]
    return cells | {"n_images": number_cell(last.n_images, 0), "n_samples": number_cell(last.n_samples, 0)}


def _complexity_cells(row: Any) -> dict[str, Cell]:
    macs = float("nan") if pd.isna(row.macs) else float(row.macs)
    notes: tuple[str, ...] = () if pd.isna(row.error) else (f"{row.counter}: {row.error}",)
    is_main = row.counter == "thop" or only_decodes(row.codec)
    notes += (codec_notes(row.codec),) if is_main and codec_notes(row.codec) else ()
    cells = _texts(row, "run", "counter", "path") | {
        "quality": number_cell(row.quality, 0),
        "size": text_cell(f"{row.width} x {row.height}"),
        "uncounted": text_cell(row.uncounted or "-"),
        "gmac": number_cell(macs / 1e9, 2, notes=notes),
        "against_exact_pct": number_cell(
            100 * row.against_exact, 1, notes=(row.explanation,) if row.explanation else ()
        ),
        "kmac_per_pixel": number_cell(macs / row.width / row.height / 1e3, 1),
        "parameters_m": number_cell(row.parameters / 1e6 or None, 2),
    }
    printed = published.printed_complexity(published_slug(row.codec))
    if printed and row.counter == "thop" and (row.width, row.height) == published.PRINTED_AT:
        cells |= {"paper_gmac": number_cell(printed[0], 2), "paper_params_m": number_cell(printed[1], 2)}
    return cells
