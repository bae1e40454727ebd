"""Everything a report shows, gathered once: frames of points, BD-rates, times, memory, complexity and failures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from lic_bench.errors import UserError, unknown
from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.bd_rate import METHODS, Method
from lic_bench.report.frames.bd_rates import Anchor, anchor_slugs, bd_frame
from lic_bench.report.frames.codec_costs import (
    COMPLEXITY,
    FAILURES,
    LATENCY,
    MEMORY,
    complexity_frame,
    latency_frame,
    memory_frame,
)
from lic_bench.report.frames.phase_times import PHASES, phase_times
from lic_bench.report.frames.rd_points import all_points
from lic_bench.report.frames.scaling import ScalingFrames, is_scaling, scaling_frames, unexpected_failures
from lic_bench.report.labels import METRIC_NAMES, published_slug
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True)
class ReportData:
    """asked, anchors: metric -> published slugs; twins: those of the codecs with random weights.

    points, bd: all that was loaded, see report.points and .curves; bd has the rows of every metric. latency, memory,
    complexity, failures: see report.costs, all runs together. phases: see report.phases. scaling: the runs that
    `lic-bench scale` made, which are not among `runs`; failures has theirs too.
    """

    runs: Sequence[Run]
    anchor: Anchor
    method: Method
    asked: dict[str, tuple[str, ...]]
    anchors: dict[str, tuple[str, ...]]
    twins: tuple[str, ...]
    points: pd.DataFrame
    bd: pd.DataFrame
    latency: pd.DataFrame
    phases: pd.DataFrame
    memory: pd.DataFrame
    complexity: pd.DataFrame
    failures: pd.DataFrame
    scaling: ScalingFrames

    @property
    def all_runs(self) -> list[Run]:
        """The scaling runs too."""
        return [*self.runs, *self.scaling.runs]

    def visible(self, frame: pd.DataFrame, metric: str) -> pd.DataFrame:
        """The rows of points or bd to show for this metric: measured, asked for, and the anchor where those are."""
        asked = (frame.provenance == "measured") | frame.codec.isin(self.asked[metric])
        anchor = frame.codec.isin(self.anchors[metric]) & frame.dataset.isin(frame.dataset[asked])
        return frame[asked | anchor]

    def bd_for(self, metric: str) -> pd.DataFrame:
        """The BD-rates on this metric."""
        return self.bd[self.bd.metric == metric]


def gather_report_data(runs: Sequence[Run], which: str, anchor: str, method: str) -> ReportData:
    """Load and compute all of it. `which`: the published curves asked for, as in published.choose."""
    if not runs and which == "none":
        raise UserError("Nothing to report: give folders of runs, or --published all, paper or slugs.")
    if method not in METHODS:
        raise unknown("BD-rate method", method, METHODS)
    scaled, runs = [run for run in runs if is_scaling(run)], [run for run in runs if not is_scaling(run)]
    chosen, *spare = Anchor.parse_all(anchor)
    codecs = {codec for run in runs for codec in run.records.codec}
    anchors = anchor_slugs(chosen, codecs)
    others = [slugs for other in spare for slugs in anchor_slugs(other, codecs).values()]
    asked = {metric: published.choose_slugs(which, metric) for metric in METRIC_NAMES}
    twins = _twins(runs) if which != "none" else ()
    loaded = [slug for group in (*asked.values(), *anchors.values(), *others, twins) for slug in group]
    points = all_points(runs, tuple(dict.fromkeys(loaded)))
    return ReportData(
        runs=runs,
        anchor=chosen,
        method=method,
        asked=asked,
        anchors=anchors,
        twins=twins,
        points=points,
        bd=pd.concat([bd_frame(points, [chosen, *spare], metric) for metric in METRIC_NAMES], ignore_index=True),
        latency=_together(latency_frame, runs, LATENCY),
        phases=_together(phase_times, runs, PHASES),
        memory=_together(memory_frame, runs, MEMORY),
        complexity=_together(complexity_frame, runs, COMPLEXITY),
        failures=_together(unexpected_failures, [*runs, *scaled], FAILURES),
        scaling=scaling_frames(scaled),
    )


def _twins(runs: Sequence[Run]) -> tuple[str, ...]:
    """The published curves of the codecs that were measured with random weights."""
    random = {codec for run in runs for codec in run.records.codec[run.records.weights == "random"]}
    return tuple(sorted({twin for codec in random if (twin := published_slug(codec))}))


def _together(fn: Callable[[Run], pd.DataFrame], runs: Sequence[Run], columns: list[str]) -> pd.DataFrame:
    frames = [frame for run in runs if len(frame := fn(run))]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
