"""BD-rates by perceptual metrics, of what was measured or imported, all against one anchor that has them too."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import pandas as pd

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.registry import METRICS
from lic_bench.rate_distortion.bd_rate import Method
from lic_bench.report.frames.bd_rates import Anchor, bd_frame
from lic_bench.store.run_folder import Run

SPARE_ANCHOR = "jpeg"  # where none that was asked for has such metrics: the one that everybody has


@dataclass(frozen=True, slots=True)
class PerceptualRates:
    """metrics: those that any curve has, in the order of the registry. asked: those of them to show in full.

    bd: as of bd_rates.bd_frame, on these and on PSNR, of the curves that have any. by: metric -> who measured it in
    the runs, each once.
    """

    metrics: tuple[str, ...]
    asked: tuple[str, ...]
    bd: pd.DataFrame
    by: Mapping[str, Sequence[str]]


def perceptual_rates(
    runs: Sequence[Run], points: pd.DataFrame, anchors: Sequence[Anchor], asked: Sequence[str]
) -> PerceptualRates:
    """points: as of rd_points. Raises UserError for a metric that is asked for and that nothing has."""
    metrics = tuple(name for name in METRICS if points[name].notna().any())
    if lacking := next((name for name in asked if name not in metrics), ""):
        raise UserError(
            f"--metric {lacking}: nothing here has it; measure it: "
            f"lic-bench run ... --measure quality,perceptual --metrics {lacking}."
        )
    having = points[points.curve.isin(points.curve[points[[*metrics]].notna().any(axis=1)])]
    anchor = _anchor_with(having, anchors, metrics)
    frames = [bd_frame(having, [anchor], metric) for metric in ("psnr_db", *metrics)] if anchor else []
    bd = pd.concat(frames, ignore_index=True) if frames else bd_frame(having[:0], [], "psnr_db")
    return PerceptualRates(metrics, tuple(asked), bd, _measured_by(runs))


def other_order(bd: pd.DataFrame, method: Method, first: str, second: str) -> dict[str, list[str]]:
    """Curve -> the labels of those that it is ahead of by the first metric and behind by the second.

    bd: of one anchor. Only curves over the same images are held against each other.
    """
    good = bd[(bd.reason == "") & bd[method].notna()]
    by = ["curve", "label", "dataset", "image_set"]
    both = good[good.metric == first][[*by, method]].merge(good[good.metric == second][[*by, method]], on=by)
    differing: defaultdict[str, list[str]] = defaultdict(list)
    for _, group in both.groupby(["dataset", "image_set"], sort=False):
        for one, other in permutations(group.itertuples(index=False, name=None), 2):
            if one[4] < other[4] and one[5] > other[5]:
                differing[one[0]].append(other[1])
    return dict(differing)


def _anchor_with(points: pd.DataFrame, anchors: Sequence[Anchor], metrics: Sequence[str]) -> Anchor | None:
    """The first anchor with a curve over a perceptual metric, whose source then counts for PSNR too."""
    spare = [Anchor(codec, measured_first=True) for codec in dict.fromkeys([SPARE_ANCHOR, *points.codec])]
    for anchor in [*anchors, *spare]:
        for metric in metrics:
            curves = anchor.curves(points, metric)
            if len(curves) > 1:
                return Anchor(anchor.codec, anchor.measured_first, curves.provenance.iloc[0])
    return None


def _measured_by(runs: Sequence[Run]) -> dict[str, list[str]]:
    said = [of_record for run in runs for of_record in run.records.perceptual_by]
    return {name: list(dict.fromkeys(by[name] for by in said if name in by)) for name in METRICS}
