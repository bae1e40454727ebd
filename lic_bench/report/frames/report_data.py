"""Everything a report shows, gathered once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pandas as pd

from lic_bench.errors import UserError, unknown
from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.bd_rate import METHODS, Method
from lic_bench.report.frames import codec_costs
from lic_bench.report.frames.bd_rates import Anchor, anchor_slugs, bd_frame, points_of_metric
from lic_bench.report.frames.bd_uncertainty import uncertainty_frame
from lic_bench.report.frames.coded_images import coded_datasets
from lic_bench.report.frames.common_images import CommonImages, Key, common_images
from lic_bench.report.frames.decode_checks import CHECKS, decode_checks_frame
from lic_bench.report.frames.equal_rates import equal_rates_frame
from lic_bench.report.frames.image_curves import CodecImages, image_pools
from lic_bench.report.frames.matched_pairs import matched_pairs_frame
from lic_bench.report.frames.per_image import PER_IMAGE, per_image_frame
from lic_bench.report.frames.perceptual_rates import PerceptualRates, perceptual_rates
from lic_bench.report.frames.phase_times import PHASES, phase_times
from lic_bench.report.frames.quality_windows import QualityWindow, common_windows
from lic_bench.report.frames.rd_points import all_points
from lic_bench.report.frames.scaling import ScalingFrames, is_scaling, scaling_frames, unexpected_failures
from lic_bench.report.frames.variant_gains import VARIANTS, variants_after_bases, variants_frame
from lic_bench.report.labels import METRIC_NAMES, codec_label, published_slug
from lic_bench.store.mean_curves import Imported
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True, eq=False)
class ReportData:
    """Everything a report shows; each frame is described where it is made, in the other modules of this package.

    runs: without those of `lic-bench scale`, which are in `scaling`; `failures` covers both.
    asked_slugs, slugs_of_anchor: metric -> slugs of the published curves to show, and of the anchor.
    stand_in_slugs: the published curves of codecs that were measured with random weights.
    imported: what others measured, beside the published curves.
    bd: the BD-rates on PSNR and MS-SSIM; those on perceptual metrics are in `perceptual`. windows: metric -> data set
    -> what they are over; {} for each pair's own. per_image: of the runs that were asked for. beside: the names of runs
    that nobody asked for, the reference runs.
    """

    runs: Sequence[Run]
    anchor: Anchor
    method: Method
    asked_slugs: dict[str, tuple[str, ...]]
    slugs_of_anchor: dict[str, tuple[str, ...]]
    stand_in_slugs: tuple[str, ...]
    points: pd.DataFrame
    bd: pd.DataFrame
    windows: Mapping[str, Mapping[str, QualityWindow]]
    uncertainty: pd.DataFrame
    equal_rates: pd.DataFrame
    matched_pairs: pd.DataFrame
    latency: pd.DataFrame
    phases: pd.DataFrame
    variants: pd.DataFrame
    decode_checks: pd.DataFrame
    throughput: pd.DataFrame
    memory: pd.DataFrame
    complexity: pd.DataFrame
    failures: pd.DataFrame
    scaling: ScalingFrames
    per_image: pd.DataFrame
    perceptual: PerceptualRates
    imported: Sequence[Imported] = ()
    beside: Collection[str] = ()

    @property
    def all_runs(self) -> list[Run]:
        """The runs, those of `lic-bench scale` included."""
        return [*self.runs, *self.scaling.runs]

    def visible_rows(self, frame: pd.DataFrame, metric: str) -> pd.DataFrame:
        """The rows of points or bd to show: measured, imported, asked for, and the anchor on the same data sets."""
        asked = (frame.provenance != "published") | frame.codec.isin(self.asked_slugs.get(metric, ()))
        anchor = frame.codec.isin(self.slugs_of_anchor.get(metric, ())) & frame.dataset.isin(frame.dataset[asked])
        return frame[asked | anchor]

    @property
    def anchor_label(self) -> str:
        """The anchor for people; one that is known by an import alone has its label there."""
        used = self.bd[(self.bd.anchor_codec == self.anchor.codec) & (self.bd.reason == "")]
        imported = bool(len(used)) and bool(used.anchor_curve.str.startswith("imported:").all())
        return str(used.anchor.iloc[0]) if imported else codec_label(self.anchor.codec)

    def bd_for(self, metric: str) -> pd.DataFrame:
        """The BD-rates on this metric, also a perceptual one."""
        bd = self.bd if metric in METRIC_NAMES else self.perceptual.bd
        return bd[bd.metric == metric]


def gather_report_data(
    runs: Sequence[Run],
    which: str,
    anchor: str,
    method: str,
    imported: Sequence[Imported] = (),
    beside: Collection[str] = (),
    metrics: Sequence[str] = (),
    *,
    common_window: bool = False,
) -> ReportData:
    """Load and compute everything. which: the published curves to show, as for published.choose_slugs.

    metrics: the perceptual ones to show in full. common_window: BD-rates over the quality that all shown curves reach.
    Raises UserError for an unknown curve, anchor or method, and if there is nothing to show.
    """
    if method not in METHODS:
        raise unknown("BD-rate method", method, METHODS)
    if not runs and not imported and which == "none":
        raise UserError("Nothing to report: give folders of runs, or --published all, paper or slugs.")
    runs = [variants_after_bases(run) for run in runs]
    scaling_runs, runs = [run for run in runs if is_scaling(run)], [run for run in runs if not is_scaling(run)]
    chosen, *spare = anchors = Anchor.parse_all(anchor)
    codecs = {codec for run in runs for codec in run.records.codec}, {c.codec for i in imported for c in i.curves}
    slugs = _slugs(which, chosen, codecs, runs)
    shown = {metric: _shown(slugs, metric) for metric in METRIC_NAMES}
    others = [slugs for other in spare for slugs in anchor_slugs(other, *codecs).values()]
    common, loaded = common_images(runs), tuple(dict.fromkeys(chain(*shown.values(), *others)))
    points = all_points(runs, loaded, imported, common)
    return ReportData(
        runs=runs,
        anchor=chosen,
        method=method,
        points=points,
        **slugs,
        **_bd_frames(points, image_pools(runs, common), anchors, shown if common_window else {}),
        **_coded_frames(runs, common),
        **_cost_frames(runs),
        failures=frame_of_runs(unexpected_failures, [*runs, *scaling_runs], codec_costs.FAILURES),
        scaling=scaling_frames(scaling_runs),
        per_image=frame_of_runs(per_image_frame, [run for run in runs if run.name not in beside], PER_IMAGE),
        perceptual=perceptual_rates(runs, points, anchors, metrics),
        imported=imported,
        beside=beside,
    )


def _slugs(which: str, anchor: Anchor, codecs: tuple[set[str], set[str]], runs: Sequence[Run]) -> dict[str, Any]:
    """The fields that name published curves. codecs: the measured ones, and the imported ones."""
    return {
        "asked_slugs": {metric: published.choose_slugs(which, metric) for metric in METRIC_NAMES},
        "slugs_of_anchor": anchor_slugs(anchor, *codecs),
        "stand_in_slugs": _stand_in_slugs(runs) if which != "none" else (),
    }


def _shown(slugs: Mapping[str, Any], metric: str) -> list[str]:
    of_metric = (*slugs["asked_slugs"][metric], *slugs["slugs_of_anchor"][metric], *slugs["stand_in_slugs"])
    return list(dict.fromkeys(of_metric))


def _bd_frames(
    points: pd.DataFrame,
    pools: Sequence[Sequence[CodecImages]],
    anchors: Sequence[Anchor],
    shown: Mapping[str, Collection[str]],
) -> dict[str, Any]:
    """The fields `bd`, `windows` and `uncertainty`. shown: metric -> slugs with a common window; {}: none."""
    windows = {metric: _windows(points, metric, slugs) for metric, slugs in shown.items()}
    bd = pd.concat(
        [bd_frame(points, anchors, metric, windows.get(metric)) for metric in METRIC_NAMES], ignore_index=True
    )
    uncertainty = uncertainty_frame(points, bd, pools, anchors, windows.get("psnr_db", {}))
    return {"bd": bd, "windows": windows, "uncertainty": uncertainty}


def _coded_frames(runs: Sequence[Run], common: Mapping[Key, CommonImages]) -> dict[str, Any]:
    """The fields out of single images."""
    coded = list(coded_datasets(runs))
    return {"equal_rates": equal_rates_frame(common, coded), "matched_pairs": matched_pairs_frame(coded)}


def _cost_frames(runs: Sequence[Run]) -> dict[str, Any]:
    """The fields that are the frames of the runs, one below the other."""
    return {
        "latency": frame_of_runs(codec_costs.latency_frame, runs, codec_costs.LATENCY),
        "phases": frame_of_runs(phase_times, runs, PHASES),
        "variants": frame_of_runs(variants_frame, runs, VARIANTS),
        "decode_checks": frame_of_runs(decode_checks_frame, runs, CHECKS),
        "throughput": frame_of_runs(codec_costs.throughput_frame, runs, codec_costs.THROUGHPUT),
        "memory": frame_of_runs(codec_costs.memory_frame, runs, codec_costs.MEMORY),
        "complexity": frame_of_runs(codec_costs.complexity_frame, runs, codec_costs.COMPLEXITY),
    }


def _windows(points: pd.DataFrame, metric: str, slugs: Collection[str]) -> dict[str, QualityWindow]:
    """Over the measured, the imported and these published curves."""
    shown = points[(points.provenance != "published") | points.codec.isin(slugs)]
    return common_windows(points_of_metric(shown, metric), metric)


def _stand_in_slugs(runs: Sequence[Run]) -> tuple[str, ...]:
    """The published curves of the codecs that were measured with random weights."""
    random = {codec for run in runs for codec in run.records.codec[run.records.weights == "random"]}
    return tuple(sorted({slug for codec in random if (slug := published_slug(codec))}))


def frame_of_runs(frame_of: Callable[[Run], pd.DataFrame], runs: Sequence[Run], columns: list[str]) -> pd.DataFrame:
    """The frames of the runs, one below the other; columns: of them, for when there is none."""
    frames = [frame for run in runs if len(frame := frame_of(run))]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
