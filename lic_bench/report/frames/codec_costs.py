"""Times, throughput, memory, complexity and failures of measured codecs; medians, while records keep every sample."""

from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from lic_bench.report.frames.counter_differences import compare_counters, list_calls
from lic_bench.report.frames.rd_points import curve_id
from lic_bench.report.frames.record_groups import Group, record_groups
from lic_bench.report.frames.samples import sample_percentiles
from lic_bench.report.labels import codec_label, measured_label
from lic_bench.store.run_folder import Run

LATENCY = [
    *("curve", "run", "codec", "label", "device", "weights", "dataset", "operation", "quality"),
    *("median_s", "p10_s", "p90_s", "s_per_mp", "cold_start_s", "n_images", "n_samples"),
]
MEMORY = ["curve", "run", "codec", "label", "device", "dataset", "quality", "what", "bytes"]
COMPLEXITY = [
    *("run", "codec", "label", "quality", "width", "height", "counter", "path"),
    *("macs", "parameters", "uncounted", "against_exact", "explanation", "error"),
]
THROUGHPUT = [
    *("curve", "run", "codec", "label", "device", "weights", "dataset", "quality", "width", "height", "batch"),
    *("images", "pictures", "changed", "error", "n_samples", "encode_per_s", "decode_per_s"),
]
FAILURES = ["run", "codec", "label", "quality", "dataset", "image", "failure", "error"]
OPERATIONS = ("encode", "decode")
PERCENTS = {"p10_s": 10, "median_s": 50, "p90_s": 90}
IDENTITY = ("codec", "mode", "device", "dataset", "quality", "weights")  # columns of records


def latency_frame(run: Run) -> pd.DataFrame:
    """One row per codec, device, data set, quality and operation, columns LATENCY; times in seconds per image.

    median_s, p10_s, p90_s: the mean over images of these percentiles of the repeats. s_per_mp: the median per
    megapixel, averaged over images. weights: as in weights_state.
    """
    records = run.records[run.records.status == "ok"]
    more = {"megapixels": (records.width * records.height / 1e6).to_numpy(float)}
    for operation in OPERATIONS:
        samples = records[f"{operation}_s"].tolist()
        more[f"{operation}_samples"] = np.array([*map(len, samples)], int)
        percentiles = sample_percentiles(samples, [*PERCENTS.values()])
        more |= {f"{operation}_{name}": values for name, values in zip(PERCENTS, percentiles, strict=True)}
    rows = []
    for group in record_groups(records, [*IDENTITY, "cold_start_s"], more):
        for operation in OPERATIONS:
            is_timed = group[f"{operation}_samples"] > 0
            if is_timed.any():
                timed = {name: column[is_timed] for name, column in group.items()}
                rows.append(identity_columns(run, timed) | _times(timed, operation))
    return pd.DataFrame(rows, columns=LATENCY)


def memory_frame(run: Run) -> pd.DataFrame:
    """One row per codec, device, data set, quality and kind of memory: the peak over the images, in bytes."""
    rows = []
    for group in record_groups(run.records[run.records.status == "ok"], [*IDENTITY, "peak_memory_bytes"]):
        peaks: dict[str, float] = {}
        for name, value in chain.from_iterable(values.items() for values in group["peak_memory_bytes"]):
            peaks[name] = max(value, peaks.get(name, value))
        known = identity_columns(run, group) if peaks else {}
        rows += [known | {"what": name, "bytes": value} for name, value in peaks.items()]
    return pd.DataFrame(rows, columns=MEMORY)


def throughput_frame(run: Run) -> pd.DataFrame:
    """One row per codec, device, quality, data set, image size and batch, columns THROUGHPUT.

    encode_per_s, decode_per_s: images per second by the median of the samples, None where the batch failed. changed:
    names of the pictures that get other bytes than alone.
    """
    groups = run.throughput.groupby(["codec", "quality", "dataset"], sort=False)
    rows = [row for _, group in groups for row in group.sort_values(["height", "width", "batch"]).to_dict("records")]
    return pd.DataFrame([_throughput(run, row) for row in rows], columns=THROUGHPUT)


def complexity_frame(run: Run) -> pd.DataFrame:
    """One row per codec, quality, size, counter and path, columns COMPLEXITY; macs and parameters as counted."""
    rows = compare_counters(run.complexity.assign(run=run.name, label=run.complexity.codec.map(codec_label)))
    frame: pd.DataFrame = rows.assign(uncounted=rows.uncounted_ops.map(list_calls))[COMPLEXITY]
    return frame


def failures_frame(run: Run) -> pd.DataFrame:
    """One row per failed record, columns FAILURES."""
    failed = run.records[run.records.status != "ok"]
    frame: pd.DataFrame = failed.assign(run=run.name, label=failed.codec.map(codec_label))[FAILURES]
    return frame


def weights_state(weights: Sequence[object]) -> str:
    """ "random" if all weights are random, "loaded" if any is a checkpoint, "" for codecs without weights."""
    names = {name for name in weights if isinstance(name, str)}
    return "" if not names else "random" if names == {"random"} else "loaded"


def identity_columns(run: Run, group: Group | pd.DataFrame) -> dict[str, Any]:
    """The columns that identify a codec at a quality. group: records on one device and data set, columns IDENTITY."""
    codec, mode, device, dataset, quality, _ = (next(iter(group[name])) for name in IDENTITY)
    return {
        "curve": curve_id(run.name, codec, device),
        "run": run.name,
        "codec": codec,
        "label": measured_label(codec, mode),
        "device": device,
        "weights": weights_state(group["weights"].tolist()),
        "dataset": dataset,
        "quality": int(quality),
    }


def _times(group: Group, operation: str) -> dict[str, Any]:
    samples = group[f"{operation}_samples"]
    return {
        "operation": operation,
        **{name: float(group[f"{operation}_{name}"].mean()) for name in PERCENTS},
        "s_per_mp": float((group[f"{operation}_median_s"] / group["megapixels"]).mean()),
        "cold_start_s": next((values[operation] for values in group["cold_start_s"] if operation in values), None),
        "n_images": len(samples),
        "n_samples": int(samples.sum()),
    }


def _throughput(run: Run, row: Mapping[Any, Any]) -> dict[str, Any]:
    known = {name: row[name] for name in THROUGHPUT if name in row}
    rates = {f"{name}_per_s": row["images"] / median(row[f"{name}_s"]) for name in OPERATIONS if row[f"{name}_s"]}
    return {
        "curve": curve_id(run.name, row["codec"], row["device"]),
        "run": run.name,
        "label": codec_label(row["codec"]),
        **known,
        "weights": weights_state([row["weights"]]),
        "n_samples": len(row["encode_s"]),
        **rates,
    }


def memory_of_operation(peaks: Mapping[str, float], operation: str) -> float | None:
    """Bytes that a codec needs to "encode" or "decode", its weights included; None if nothing was measured.

    peaks: a record's peak_memory_bytes, or of each kind the largest of several records. On a GPU the growth in torch's
    allocator counts, otherwise the growth of the resident memory and the programs that the codec starts, either of
    which may be missing.
    """
    on_gpu = f"{operation}_allocated_growth" in peaks
    kinds = ("allocated_growth",) if on_gpu else ("rss_growth", "children_rss")
    bytes_used = [peaks[name] for kind in kinds if (name := f"{operation}_{kind}") in peaks]
    return float(sum(bytes_used) + peaks.get("weights", 0)) if bytes_used else None
