"""The table of where each codec's time goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER, TOTAL
from lic_bench.report.frames.phase_times import CONTEXT, is_network, merge_slices
from lic_bench.report.labels import dataset_label
from lic_bench.report.tables.codec_columns import DATASET, METHOD, QUALITY, SOURCE
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, text_cell

RANDOM = (
    "Random weights: the symbols are not those of a trained network, so the entropy coder's time and share are not "
    "representative."
)


def phases_table(frame: pd.DataFrame) -> Table:
    """Per codec, quality and operation: network, entropy coder, copies and the rest, and the network's parts.

    frame: columns PHASES, of any runs.
    """
    columns = [
        METHOD,
        SOURCE,
        DATASET,
        QUALITY,
        *(Column("operation", "Operation", align="left"), Column("total_ms", "ms", "Total")),
        Column("of_latency_pct", "% of latency", "Total"),
        *(Column("network_ms", "ms", "Network"), Column("network_pct", "%", "Network")),
        *(Column("entropy_coder_ms", "ms", "Entropy coder"), Column("entropy_coder_pct", "%", "Entropy coder")),
        *(Column("copies_ms", "ms", "Copies"), Column("other_ms", "ms", "Other")),
        *(
            Column("largest", "Largest", align="left"),
            Column("parts_ms", "parts [ms]", "Network", "left", folded="parts"),
        ),
    ]
    caption = (
        "From calls of their own, apart from those of the latency: of each image the repetition of median total, then "
        "the mean over images. % of latency: this total over the median latency of the same images. Network: the "
        "submodules that the SPEC names, on their device. Entropy coder: from symbols and Gaussians to bytes and "
        "back, on the CPU. Copies: between the device and lists in host memory. A context model is split by slice. "
        "Codecs that are one call of a program or library have no parts and are not here."
    )
    keys = ["curve", "dataset", "quality", "operation"]
    rows = [Row("measured", _cells(group)) for _, group in frame.groupby(keys, sort=False)]
    return Table("phases", "Where the time goes", caption, columns, rows)


def _cells(group: pd.DataFrame) -> dict[str, Cell]:
    row: Any = group.iloc[0]
    seconds = dict(zip(group.phase, group.seconds, strict=True))
    network = {name: seconds[name] for name in sorted(filter(is_network, seconds), key=_in_order)}
    note = (RANDOM,) if row.weights == "random" else ()
    return {
        "method": text_cell(row.label),
        "source": text_cell(f"{row.run} ({row.device})"),
        "dataset": text_cell(dataset_label(row.dataset)),
        "quality": number_cell(row.quality, 0),
        "operation": text_cell(row.operation),
        "total_ms": number_cell(1e3 * seconds[TOTAL], 1),
        "of_latency_pct": number_cell(100 * seconds[TOTAL] / row.latency_s if row.latency_s else None, 0),
        **_part("network", sum(network.values()), seconds[TOTAL], ()),
        **_part("entropy_coder", seconds.get(ENTROPY_CODER, 0.0), seconds[TOTAL], note),
        "copies_ms": number_cell(1e3 * seconds.get(COPIES, 0.0), 1),
        "other_ms": number_cell(1e3 * seconds.get(OTHER, 0.0), 1),
        "largest": text_cell(_largest(group, seconds[TOTAL])),
        "parts_ms": text_cell(", ".join(f"{name} {1e3 * value:.1f}" for name, value in network.items()) or "-"),
    }


def _part(key: str, value: float, total: float, notes: Sequence[str]) -> dict[str, Cell]:
    share = 100 * value / total if total else None
    return {f"{key}_ms": number_cell(1e3 * value, 1, notes=notes), f"{key}_pct": number_cell(share, 1, notes=notes)}


def _in_order(phase: str) -> tuple[int, str, int]:
    """The transforms as data goes through them, slices by number; names of a codec's own at the end."""
    known = ("g_a", "h_a", "h_s", CONTEXT, "g_s")
    name, slices = merge_slices(phase), re.search(r" (\d+)$", phase)
    return known.index(name) if name in known else len(known), name, int(slices[1]) if slices else -1


def _largest(group: pd.DataFrame, total: float) -> str:
    """The phase that takes most, the slices of one counted together, with its share."""
    parts = group[group.phase != TOTAL]
    by_name = parts.seconds.groupby(parts.phase.map(merge_slices)).sum()
    return f"{by_name.idxmax()}, {100 * by_name.max() / total:.0f} %" if total else "-"
