"""Where each codec's time goes: seconds by phase."""

import re
from statistics import fmean

import pandas as pd

from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER, TOTAL
from lic_bench.report.frames.codec_costs import IDENTITY, OPERATIONS, identity_columns
from lic_bench.report.frames.record_groups import record_groups
from lic_bench.report.frames.samples import sample_medians
from lic_bench.store.run_folder import Run

PHASES = [
    *("curve", "run", "codec", "label", "device", "weights", "dataset", "quality"),
    *("operation", "phase", "seconds", "latency_s", "n_images", "n_samples"),
]
CONTEXT = "context model"


def phase_times(run: Run) -> pd.DataFrame:
    """One row per codec, device, data set, quality, operation and phase, columns PHASES; "total" is one of the phases.

    seconds: mean over images of the repetition with the median total, so that the phases add up to the total.
    latency_s: mean over the same images of the median latency; NaN if it was not measured.
    """
    rows = []
    records = run.records[run.records.status == "ok"]
    records = records.loc[[*map(bool, records.phases_s)]]
    medians = {name: sample_medians(records[f"{name}_s"].tolist()) for name in OPERATIONS}
    for group in record_groups(records, [*IDENTITY, "phases_s"], medians):
        identity = identity_columns(run, group)
        for operation in OPERATIONS:
            timed = [place for place, of in enumerate(group["phases_s"]) if _has_phases(of, operation)]
            images = [_median_repetition(group["phases_s"][place], operation) for place in timed]
            if images:
                counts = {"n_images": len(images), "n_samples": sum(samples for _, samples in images)}
                common = identity | {"operation": operation, "latency_s": fmean(group[operation][timed])} | counts
                mean = pd.DataFrame([seconds for seconds, _ in images]).fillna(0.0).mean()
                rows += [common | {"phase": name, "seconds": float(value)} for name, value in mean.items()]
    return pd.DataFrame(rows, columns=PHASES)


def merge_slices(phase: str) -> str:
    """The phase without its number: "context 3" and "context" both belong to the context model."""
    stem = re.sub(r" \d+$", "", phase)
    return CONTEXT if stem == "context" else stem


def is_network(phase: str) -> bool:
    """Whether the phase is a part of the network."""
    return phase not in (ENTROPY_CODER, COPIES, OTHER, TOTAL)


def mean_over_qualities(frame: pd.DataFrame) -> pd.DataFrame:
    """The means over qualities, columns name, weights, operation, phase, seconds, n_qualities.

    frame: columns PHASES, of one data set. name: the label, with run and device if two codecs share it.
    """
    sources = frame.drop_duplicates("curve")
    twice = set(sources.label[sources.label.duplicated()])
    source = " (" + frame.run + ", " + frame.device + ")"
    names = frame.label + source.where(frame.label.isin(twice), "")
    keys = ["name", "weights", "operation"]
    named = frame.assign(name=names, n_qualities=frame.groupby(["curve", "operation"]).quality.transform("nunique"))
    sums = named.groupby([*keys, "phase", "n_qualities"], sort=False).seconds.sum().reset_index()
    return sums.assign(seconds=sums.seconds / sums.n_qualities)


def _has_phases(values: dict[str, list[float]], operation: str) -> bool:
    """Whether there is a total and of every phase as many samples: else nobody knows which belong together."""
    samples = [len(seconds) for name, seconds in values.items() if name.startswith(f"{operation}/")]
    return bool(values.get(f"{operation}/{TOTAL}")) and len(set(samples)) == 1


def _median_repetition(values: dict[str, list[float]], operation: str) -> tuple[dict[str, float], int]:
    """Seconds by phase of the repetition whose total is the (lower) median, and the number of repetitions."""
    totals = values[f"{operation}/{TOTAL}"]
    middle = sorted(range(len(totals)), key=totals.__getitem__)[(len(totals) - 1) // 2]
    named = {key.partition("/")[2]: samples for key, samples in values.items() if key.startswith(f"{operation}/")}
    return {name: samples[middle] for name, samples in named.items()}, len(totals)
