"""What is found here of a printed number: recomputed from what is published, and measured in runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import Any

import pandas as pd

from lic_bench.defaults import ANCHOR
from lic_bench.rate_distortion import published
from lic_bench.report.frames import codec_costs
from lic_bench.report.frames.ablation_counts import ablation_counts, attention_operations
from lic_bench.report.frames.bd_rates import METRIC_ANCHORS, Anchor, bd_frame
from lic_bench.report.frames.codec_costs import OPERATIONS, memory_of_operation
from lic_bench.report.frames.image_sets import records_on_curves
from lic_bench.report.frames.printed_tables import FIRST_ABLATION, PrintedValue, ablation_name, printed_values
from lic_bench.report.frames.rd_points import all_points, published_points
from lic_bench.report.frames.report_data import ReportData, frame_of_runs
from lic_bench.report.labels import DATASETS, machine_name
from lic_bench.store.run_folder import Run

METRICS = {"bd_rate_psnr_pct": "psnr_db", "bd_rate_msssim_pct": "ms_ssim_db", "bd_rate_pct": "psnr_db"}
BD_TOLERANCE = 0.1  # points of BD-rate by which a measured one may differ: other entropy coders, other rounding
COST_TOLERANCE = 0.1  # of the printed times and memory, on the same GPU
PICTURE = {"bpp": 0.001, "psnr_db": 0.01}  # a single picture's values, with their tolerance
SAME_GPU = "RTX 4090"  # what the paper measured times and memory on


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One value for a printed number. source: a run's name, or what it was recomputed from.

    value: in the printed unit; None where there is none, as `hindrance` says. hindrance: why it says nothing about the
    printed number; "" if it does. tolerance: the difference that still agrees; None: the printed digits must be equal.
    """

    value: float | None
    source: str
    hindrance: str = ""
    tolerance: float | None = None


def recomputed(printed: PrintedValue) -> Found | None:
    """The value that published points, or the paper's own formulas, give; None without any."""
    if printed.quantity in ("ops_ld", "delta_flops_g"):
        return _operations(printed)
    if printed.quantity == "bd_rate_mean_pct":
        means = [_published_bd_rates()[printed.curve or "", dataset, "psnr_db"] for dataset in DATASETS]
        return Found(value=fmean(means), source="published points")
    if printed.quantity not in METRICS or not printed.curve:
        return None
    value = _published_bd_rates().get((printed.curve, printed.dataset, METRICS[printed.quantity]))
    return None if value is None or printed.table == 2 else Found(value=value, source="published points")


def _operations(printed: PrintedValue) -> Found | None:
    """By Table 5's formula, per L and D; for Table 3 in 10^9 over the blocks of our network's transforms."""
    if printed.quantity == "ops_ld":
        operations = attention_operations().get(printed.row)
        return Found(value=float(operations), source="the printed formula") if operations else None
    count = ablation_counts().get(ablation_name(printed.row))
    value = count and count.attention_and_shift_operations / 1e9
    return Found(value=value, source="the printed formula") if value else None


@cache
def _published_bd_rates() -> dict[tuple[str, str, str], float]:
    """(slug, data set, metric) -> BD-rate against the published VTM-9.1, by pchip."""
    slugs = dict.fromkeys((*published.choose_slugs("paper"), *published.choose_slugs("paper", "ms_ssim_db")))
    points, anchor = published_points(tuple(slugs)), Anchor.parse(f"published:{ANCHOR}")
    frames = [bd_frame(points, [anchor], metric) for metric in ("psnr_db", "ms_ssim_db")]
    rows = pd.concat([frame[frame.reason == ""] for frame in frames])
    keys = rows[["codec", "dataset", "metric"]].itertuples(index=False, name=None)
    return dict(zip(keys, map(float, rows.pchip), strict=True))


class Measured:
    """What runs have of the printed quantities."""

    def __init__(self, runs: Sequence[Run], data: ReportData | None = None) -> None:
        """data: the report's on these runs, if at hand; their counts may be more."""
        self._runs = {run.name: run for run in runs}
        self._complexity = frame_of_runs(codec_costs.complexity_frame, runs, codec_costs.COMPLEXITY)
        if data is None:
            self._latency = frame_of_runs(codec_costs.latency_frame, runs, codec_costs.LATENCY)
            self._memory = frame_of_runs(codec_costs.memory_frame, runs, codec_costs.MEMORY)
        else:
            self._latency, self._memory = data.latency, data.memory
        points = all_points(runs, ()) if data is None else data.points[data.points.provenance == "measured"]
        points = points[points.codec.isin({printed.codec for printed in printed_values()})]
        points = pd.concat([published_points((ANCHOR, METRIC_ANCHORS["ms_ssim_db", ANCHOR])), points])
        anchors = {1: f"published:{ANCHOR}", 2: f"measured:{FIRST_ABLATION}", 4: f"published:{ANCHOR}"}
        self._bd = {
            table: bd_frame(points, [Anchor.parse(anchors[table])], metric)
            for table, metric in ((1, "psnr_db"), (2, "psnr_db"), (4, "ms_ssim_db"))
        }

    def values(self, printed: PrintedValue) -> list[Found]:
        """Of each run that has the quantity, one value for each device; those of variants do not count."""
        if printed.quantity in METRICS:
            return self._bd_rates(printed)
        if printed.quantity in ("flops_g", "params_m"):
            return self._counts(printed)
        if printed.quantity in ("enc_s", "dec_s"):
            return self._times(printed)
        if printed.quantity in PICTURE:
            return [found for run in self._runs.values() for found in _of_picture(printed, run)]
        return self._memories(printed) if printed.quantity == "mem_g" else []

    def _bd_rates(self, printed: PrintedValue) -> list[Found]:
        rows = self._bd[printed.table]
        rows = rows[(rows.codec == printed.codec) & (rows.dataset == printed.dataset) & (rows.provenance == "measured")]
        values = rows[["run", "pchip", "reason"]].itertuples(index=False, name=None)
        return [
            Found(value=None if reason else value, source=run, hindrance=reason, tolerance=BD_TOLERANCE)
            for run, value, reason in values
        ]

    def _counts(self, printed: PrintedValue) -> list[Found]:
        rows = self._complexity[self._complexity.codec == printed.codec]
        rows = rows[(rows.counter == "thop") & (rows.path == "forward")]
        return [_count(printed, row) for row in rows.drop_duplicates(["run", "width", "height"]).itertuples()]

    def _times(self, printed: PrintedValue) -> list[Found]:
        rows = self._latency[(self._latency.codec == printed.codec) & (self._latency.dataset == printed.dataset)]
        rows = rows[rows.operation == {"enc_s": "encode", "dec_s": "decode"}[printed.quantity]]
        groups = rows.groupby(["run", "device"], sort=False)
        return [self._cost(printed, group, float(group.median_s.mean())) for _, group in groups]

    def _memories(self, printed: PrintedValue) -> list[Found]:
        rows = self._memory[(self._memory.codec == printed.codec) & (self._memory.dataset == printed.dataset)]
        found = []
        for _, group in rows.groupby(["run", "device"], sort=False):
            peaks = {str(kind): float(peak) for kind, peak in group.groupby("what").bytes.max().items()}
            needed = [memory for name in OPERATIONS if (memory := memory_of_operation(peaks, name)) is not None]
            found += [self._cost(printed, group, max(needed) / 1e9)] if needed else []
        return found

    def _cost(self, printed: PrintedValue, group: pd.DataFrame, value: float) -> Found:
        first: Any = group.iloc[0]
        machine = machine_name(self._runs[first.run].info, first.device)
        hindrance = f"Measured in run {first.run} on {machine}, {printed_on(printed)}."
        if SAME_GPU in machine and printed.codec != ANCHOR:
            random = "weights" in group and (group.weights == "random").any()
            hindrance = (
                f"Run {first.run} has random weights: their times are not those of trained ones." if random else ""
            )
        tolerance = COST_TOLERANCE * (printed.value or 0)
        return Found(value=value, source=str(first.run), hindrance=hindrance, tolerance=tolerance)


def _of_picture(printed: PrintedValue, run: Run) -> list[Found]:
    """The value at the quality that comes nearest to the printed one."""
    rows = records_on_curves(run.records[(run.records.codec == printed.codec) & (run.records.status == "ok")])
    rows = rows[rows.dataset.eq("kodak") & rows.image.str.startswith(f"{printed.dataset}.") & rows.psnr_db.notna()]
    values = rows.psnr_db if printed.quantity == "psnr_db" else 8 * rows.payload_bytes / (rows.width * rows.height)
    nearest = sorted(map(float, values), key=lambda value: abs(value - (printed.value or 0)))
    return [Found(value=value, source=run.name, tolerance=PICTURE[printed.quantity]) for value in nearest[:1]]


def printed_on(printed: PrintedValue) -> str:
    """The machine of a printed time or memory, as part of a sentence."""
    if printed.codec == ANCHOR:
        return "printed for a processor that the paper does not name"
    return f"printed for an NVIDIA {SAME_GPU}"


def _count(printed: PrintedValue, row: Any) -> Found:
    if not pd.isna(row.error):
        return Found(value=None, source=row.run, hindrance=f"thop failed in run {row.run}: {row.error}")
    if printed.quantity == "params_m":
        return Found(value=row.parameters / 1e6, source=row.run)
    counted, wanted = (f"{width} x {height}" for width, height in ((row.width, row.height), published.PRINTED_AT))
    other = f"Counted in run {row.run} at {counted}, printed for {wanted}." if counted != wanted else ""
    return Found(value=row.macs / 1e9, source=row.run, hindrance=other)
