"""The table of where each codec's time goes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER, TOTAL
from lic_bench.report.frames.phase_times import CONTEXT, is_network, merge_slices
from lic_bench.report.tables.codec_columns import DATASET, METHOD, QUALITY, SOURCE, codec_cells, grouped_rows
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, number_columns, text_cell, text_columns

RANDOM = (
    "Random weights: the symbols are not those of a trained network, so the entropy coder's time and share are not "
    "representative."
)


def phases_table(frame: pd.DataFrame) -> Table:
    """Per codec, quality and operation: network, entropy coder, copies and the rest, and the network's parts.

    frame: columns PHASES, of any runs.
    """
    columns = [
        *(METHOD, SOURCE, DATASET, QUALITY, *text_columns(operation="Operation")),
        *number_columns("Total", total_ms="ms", of_latency_pct="% of latency"),
        *number_columns("Network", network_ms="ms", network_pct="%"),
        *number_columns("Entropy coder", entropy_coder_ms="ms", entropy_coder_pct="%"),
        *(Column("copies_ms", "ms", "Copies"), Column("other_ms", "ms", "Other")),
        *text_columns(largest="Largest"),
        Column("parts_ms", "parts [ms]", "Network", "left", folded="parts"),
    ]
    caption = (
        "From calls of their own, apart from those of the latency: of each image the repetition of median total, then "
        "the mean over images. % of latency: this total over the median latency of the same images. Network: the "
        "submodules that the SPEC names, on their device. Entropy coder: from symbols and Gaussians to bytes and "
        "back, on the CPU. Copies: between the device and lists in host memory. A context model is split by slice. "
        "Codecs that are one call of a program or library have no parts and are not here."
    )
    rows = [Row("measured", _cells(parts)) for parts in grouped_rows(frame, "curve", "dataset", "quality", "operation")]
    return Table("phases", "Where the time goes", caption, columns, rows)


def _cells(parts: Sequence[Any]) -> dict[str, Cell]:
    """parts: the rows of the frame for an operation of a codec at a quality."""
    row = parts[0]
    seconds: dict[str, float] = {part.phase: part.seconds for part in parts}
    network = {name: seconds[name] for name in sorted(filter(is_network, seconds), key=_data_order)}
    note = (RANDOM,) if row.weights == "random" else ()
    return codec_cells(row) | {
        "operation": text_cell(row.operation),
        "total_ms": number_cell(1e3 * seconds[TOTAL], 1),
        "of_latency_pct": number_cell(100 * seconds[TOTAL] / row.latency_s if row.latency_s else None, 0),
        **_time_and_share("network", sum(network.values()), seconds[TOTAL], ()),
        **_time_and_share("entropy_coder", seconds.get(ENTROPY_CODER, 0.0), seconds[TOTAL], note),
        "copies_ms": number_cell(1e3 * seconds.get(COPIES, 0.0), 1),
        "other_ms": number_cell(1e3 * seconds.get(OTHER, 0.0), 1),
        "largest": text_cell(_largest(seconds)),
        "parts_ms": text_cell(", ".join(f"{name} {1e3 * value:.1f}" for name, value in network.items()) or "-"),
    }


def _time_and_share(key: str, value: float, total: float, notes: Sequence[str]) -> dict[str, Cell]:
    share = 100 * value / total if total else None
    return {f"{key}_ms": number_cell(1e3 * value, 1, notes=notes), f"{key}_pct": number_cell(share, 1, notes=notes)}


def _data_order(phase: str) -> tuple[int, str, int]:
    """Sorts phases in the order of the data, slices by number; phases that only this codec has come last."""
    known = ("g_a", "h_a", "h_s", CONTEXT, "g_s")
    name, slices = merge_slices(phase), re.search(r" (\d+)$", phase)
    return known.index(name) if name in known else len(known), name, int(slices[1]) if slices else -1


def _largest(seconds: Mapping[str, float]) -> str:
    """The longest phase with its share of the total; all slices count as one."""
    merged: dict[str, float] = {}
    for phase in sorted(filter(TOTAL.__ne__, seconds), key=merge_slices):
        merged[merge_slices(phase)] = merged.get(merge_slices(phase), 0.0) + seconds[phase]
    longest = max(merged, key=merged.__getitem__)
    return f"{longest}, {100 * merged[longest] / seconds[TOTAL]:.0f} %" if seconds[TOTAL] else "-"
