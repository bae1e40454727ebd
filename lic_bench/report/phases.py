"""Where each codec's time goes: seconds by phase as a frame, and the table of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER, TOTAL
from lic_bench.report.costs import OPERATIONS, identity
from lic_bench.report.labels import dataset_label
from lic_bench.report.table import Cell, Column, Row, Table, number, text
from lic_bench.store.run_folder import Run

PHASES = [
    *("curve", "run", "codec", "label", "device", "weights", "dataset", "quality"),
    *("operation", "phase", "seconds", "latency_s", "n_images", "n_samples"),
]
CONTEXT = "context model"
RANDOM = (
    "Random weights: the symbols are not those of a trained network, so the entropy coder's time and share are not "
    "representative."
)


def phases(run: Run) -> pd.DataFrame:
    """One row per codec, device, data set, quality, operation and phase, "total" among these, columns PHASES.

    seconds: of each image the repetition whose total is the median, then the mean over images, so that the phases of
    an operation add up to its total. latency_s: of the operation over the same images, as in report.costs; NaN where
    none was taken.
    """
    ok = run.records[run.records.status == "ok"]
    rows = []
    for _, group in ok.groupby(["codec", "device", "dataset", "quality"], sort=False):
        for operation in OPERATIONS:
            timed = group[[bool(values.get(f"{operation}/{TOTAL}")) for values in group.phases_s]]
            images = [_typical(values, operation) for values in timed.phases_s]
            if images:
                counts = {"n_images": len(images), "n_samples": sum(samples for _, samples in images)}
                latency_s = _latency(timed[f"{operation}_s"].tolist())
                mean = pd.DataFrame([found for found, _ in images]).fillna(0.0).mean()
                common = identity(run, group) | {"operation": operation, "latency_s": latency_s} | counts
                rows += [common | {"phase": name, "seconds": float(value)} for name, value in mean.items()]
    return pd.DataFrame(rows, columns=PHASES)


def merged(phase: str) -> str:
    """The phase without its number: "context 3" and "context" are both of the context model."""
    stem = re.sub(r" \d+$", "", phase)
    return CONTEXT if stem == "context" else stem


def is_network(phase: str) -> bool:
    """Whether the phase is a part of the network."""
    return phase not in (ENTROPY_CODER, COPIES, OTHER, TOTAL)


def per_codec(frame: pd.DataFrame) -> pd.DataFrame:
    """The means over qualities: columns name, weights, operation, phase, seconds, n_qualities.

    frame: columns PHASES, of one data set. name: the label, with run and device where two have the same.
    """
    sources = frame.drop_duplicates("curve")
    twice = set(sources.label[sources.label.duplicated()])
    source = " (" + frame.run + ", " + frame.device + ")"
    names = frame.label + source.where(frame.label.isin(twice), "")
    keys = ["name", "weights", "operation"]
    named = frame.assign(name=names, n_qualities=frame.groupby(["curve", "operation"]).quality.transform("nunique"))
    sums = named.groupby([*keys, "phase", "n_qualities"], sort=False).seconds.sum().reset_index()
    return sums.assign(seconds=sums.seconds / sums.n_qualities)


def phases_table(frame: pd.DataFrame) -> Table:
    """Per codec, quality and operation: network, entropy coder, copies and the rest, and the network's parts.

    frame: columns PHASES, of any runs.
    """
    columns = [
        *(Column("method", "Method", align="left"), Column("source", "Source", align="left")),
        *(Column("dataset", "Data set", align="left"), Column("quality", "Quality")),
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


def _latency(samples: Iterable[Sequence[float]]) -> float:
    """Of each image the median, then the mean over images; NaN where an image has none."""
    return fmean(float(np.median(values)) if len(values) else float("nan") for values in samples)


def _typical(values: dict[str, list[float]], operation: str) -> tuple[dict[str, float], int]:
    """Seconds by phase of the repetition whose total is the (lower) median, and the number of repetitions."""
    totals = values[f"{operation}/{TOTAL}"]
    middle = int(np.argsort(totals, kind="stable")[(len(totals) - 1) // 2])
    named = {key.partition("/")[2]: samples for key, samples in values.items() if key.startswith(f"{operation}/")}
    return {name: samples[middle] for name, samples in named.items()}, len(totals)


def _cells(group: pd.DataFrame) -> dict[str, Cell]:
    row: Any = group.iloc[0]
    seconds = dict(zip(group.phase, group.seconds, strict=True))
    network = {name: seconds[name] for name in sorted(filter(is_network, seconds), key=_in_order)}
    note = (RANDOM,) if row.weights == "random" else ()
    return {
        "method": text(row.label),
        "source": text(f"{row.run} ({row.device})"),
        "dataset": text(dataset_label(row.dataset)),
        "quality": number(row.quality, 0),
        "operation": text(row.operation),
        "total_ms": number(1e3 * seconds[TOTAL], 1),
        "of_latency_pct": number(100 * seconds[TOTAL] / row.latency_s if row.latency_s else None, 0),
        **_part("network", sum(network.values()), seconds[TOTAL], ()),
        **_part("entropy_coder", seconds.get(ENTROPY_CODER, 0.0), seconds[TOTAL], note),
        "copies_ms": number(1e3 * seconds.get(COPIES, 0.0), 1),
        "other_ms": number(1e3 * seconds.get(OTHER, 0.0), 1),
        "largest": text(_largest(group, seconds[TOTAL])),
        "parts_ms": text(", ".join(f"{name} {1e3 * value:.1f}" for name, value in network.items()) or "-"),
    }


def _part(key: str, value: float, total: float, notes: Sequence[str]) -> dict[str, Cell]:
    share = 100 * value / total if total else None
    return {f"{key}_ms": number(1e3 * value, 1, notes=notes), f"{key}_pct": number(share, 1, notes=notes)}


def _in_order(phase: str) -> tuple[int, str, int]:
    """The transforms as data goes through them, slices by number; names of a codec's own at the end."""
    known = ("g_a", "h_a", "h_s", CONTEXT, "g_s")
    name, slices = merged(phase), re.search(r" (\d+)$", phase)
    return known.index(name) if name in known else len(known), name, int(slices[1]) if slices else -1


def _largest(group: pd.DataFrame, total: float) -> str:
    """The phase that takes most, the slices of one counted together, with its share."""
    parts = group[group.phase != TOTAL]
    by_name = parts.seconds.groupby(parts.phase.map(merged)).sum()
    return f"{by_name.idxmax()}, {100 * by_name.max() / total:.0f} %" if total else "-"
