"""Everything a report shows, gathered once, and what was measured of it: one entry per run, codec and device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from lic_bench.errors import UserError, unknown
from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.bd_rate import METHODS, Method
from lic_bench.report.frames import codec_costs
from lic_bench.report.frames.bd_rates import Anchor, anchor_slugs, bd_frame
from lic_bench.report.frames.phase_times import PHASES, phase_times
from lic_bench.report.frames.rd_points import all_points, curve_id
from lic_bench.report.frames.scaling import ScalingFrames, is_scaling, scaling_frames, unexpected_failures
from lic_bench.report.labels import METRIC_NAMES, machine_name, measured_label, published_slug, sort_datasets
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything a report shows; each frame is described where it is made, in the other modules of this package.

    runs: without those of `lic-bench scale`, which are in `scaling`; `failures` covers both.
    asked_slugs, slugs_of_anchor: metric -> slugs of the published curves to show, and of the anchor.
    stand_in_slugs: the published curves of codecs that were measured with random weights.
    bd: the BD-rates on every metric.
    """

    runs: Sequence[Run]
    anchor: Anchor
    method: Method
    asked_slugs: dict[str, tuple[str, ...]]
    slugs_of_anchor: dict[str, tuple[str, ...]]
    stand_in_slugs: tuple[str, ...]
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
        """The runs, those of `lic-bench scale` included."""
        return [*self.runs, *self.scaling.runs]

    def visible_rows(self, frame: pd.DataFrame, metric: str) -> pd.DataFrame:
        """The rows of points or bd to show: measured, asked for, and the anchor on the same data sets."""
        asked = (frame.provenance == "measured") | frame.codec.isin(self.asked_slugs[metric])
        anchor = frame.codec.isin(self.slugs_of_anchor[metric]) & frame.dataset.isin(frame.dataset[asked])
        return frame[asked | anchor]

    def bd_for(self, metric: str) -> pd.DataFrame:
        """The BD-rates on this metric."""
        return self.bd[self.bd.metric == metric]


def gather_report_data(runs: Sequence[Run], which: str, anchor: str, method: str) -> ReportData:
    """Load and compute everything. which: the published curves to show, as for published.choose_slugs.

    Raises UserError for an unknown curve, anchor or method, and if there is nothing to show.
    """
    if not runs and which == "none":
        raise UserError("Nothing to report: give folders of runs, or --published all, paper or slugs.")
    if method not in METHODS:
        raise unknown("BD-rate method", method, METHODS)
    scaling_runs, runs = [run for run in runs if is_scaling(run)], [run for run in runs if not is_scaling(run)]
    chosen, *spare = Anchor.parse_all(anchor)
    codecs = {codec for run in runs for codec in run.records.codec}
    slugs_of_anchor = anchor_slugs(chosen, codecs)
    others = [slugs for other in spare for slugs in anchor_slugs(other, codecs).values()]
    asked_slugs = {metric: published.choose_slugs(which, metric) for metric in METRIC_NAMES}
    stand_in_slugs = _stand_in_slugs(runs) if which != "none" else ()
    loaded = [
        slug for group in (*asked_slugs.values(), *slugs_of_anchor.values(), *others, stand_in_slugs) for slug in group
    ]
    points = all_points(runs, tuple(dict.fromkeys(loaded)))
    return ReportData(
        runs=runs,
        anchor=chosen,
        method=method,
        asked_slugs=asked_slugs,
        slugs_of_anchor=slugs_of_anchor,
        stand_in_slugs=stand_in_slugs,
        points=points,
        bd=pd.concat([bd_frame(points, [chosen, *spare], metric) for metric in METRIC_NAMES], ignore_index=True),
        latency=_frame_of_runs(codec_costs.latency_frame, runs, codec_costs.LATENCY),
        phases=_frame_of_runs(phase_times, runs, PHASES),
        memory=_frame_of_runs(codec_costs.memory_frame, runs, codec_costs.MEMORY),
        complexity=_frame_of_runs(codec_costs.complexity_frame, runs, codec_costs.COMPLEXITY),
        failures=_frame_of_runs(unexpected_failures, [*runs, *scaling_runs], codec_costs.FAILURES),
        scaling=scaling_frames(scaling_runs),
    )


def _stand_in_slugs(runs: Sequence[Run]) -> tuple[str, ...]:
    """The published curves of the codecs that were measured with random weights."""
    random = {codec for run in runs for codec in run.records.codec[run.records.weights == "random"]}
    return tuple(sorted({slug for codec in random if (slug := published_slug(codec))}))


def _frame_of_runs(frame_of: Callable[[Run], pd.DataFrame], runs: Sequence[Run], columns: list[str]) -> pd.DataFrame:
    frames = [frame for run in runs if len(frame := frame_of(run))]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


@dataclass(frozen=True, slots=True)
class MeasuredCodec:
    """One measured row: a codec on a device in a run. Times in seconds, memory in bytes; None where not measured."""

    run: Run
    codec: str
    device: str
    weights: str
    records: pd.DataFrame
    dataset: str | None = None
    enc_s: float | None = None
    dec_s: float | None = None
    n_images: int = 0
    n_qualities: int = 0

    @property
    def curve(self) -> str:
        """The id of its curves."""
        return curve_id(self.run.name, self.codec, self.device)

    @property
    def label(self) -> str:
        """What it is called, with the mode that its records say."""
        return measured_label(self.codec, next(iter(self.records["mode"].dropna()), None))

    @property
    def machine(self) -> str:
        """The processor behind its device."""
        return machine_name(self.run.info, self.device)


def measured_codecs(data: ReportData) -> list[MeasuredCodec]:
    """Every (run, codec, device), with its times: mean over qualities and images of the median over repeats.

    The times are those on the paper's first data set that was measured, else on the first by name.
    """
    rows = []
    for run in data.runs:
        for (codec, device), records in run.records.groupby(["codec", "device"], sort=False):
            weights = codec_costs.weights_state(records.weights.tolist())
            rows.append(_timed(MeasuredCodec(run, str(codec), str(device), weights, records), data.latency))
        for codec in sorted(set(run.complexity.codec) - set(run.records.codec)):  # of a run that only counted
            device = str((run.info.get("config") or {}).get("device", ""))
            rows.append(MeasuredCodec(run, str(codec), device, "", run.records.iloc[:0]))
    return rows


def _timed(row: MeasuredCodec, latency: pd.DataFrame) -> MeasuredCodec:
    timed = latency[latency.curve == row.curve]
    if (timed.weights == "loaded").any():
        timed = timed[timed.weights == "loaded"]
    if timed.empty:
        return row
    dataset = sort_datasets(set(timed.dataset))[0]
    timed = timed[timed.dataset == dataset]
    timed = timed[timed.n_images == timed.n_images.max()]  # a quality with fewer images would weigh others by chance
    times = timed.groupby("operation").median_s.mean()
    return replace(
        row,
        dataset=dataset,
        enc_s=times.get("encode"),
        dec_s=times.get("decode"),
        n_images=int(timed.n_images.max()),
        n_qualities=timed.quality.nunique(),
    )
