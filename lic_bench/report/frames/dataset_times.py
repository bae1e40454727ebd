"""How long each measured codec takes on a data set, and how far its times spread."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lic_bench.report.frames.codec_costs import OPERATIONS
from lic_bench.report.frames.rd_points import curve_id
from lic_bench.report.frames.record_groups import record_groups
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.frames.samples import sample_medians
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True)
class DatasetTime:
    """Seconds per image of an operation on a data set: the mean over qualities; NaN where not measured.

    low_s, high_s: quartiles over images and qualities of the medians. n_images: the most at a quality.
    """

    seconds: float
    low_s: float
    high_s: float
    n_images: float
    n_qualities: int


NOT_TIMED = DatasetTime(float("nan"), float("nan"), float("nan"), float("nan"), 0)
CurveTimes: TypeAlias = Mapping[tuple[str, str], DatasetTime]  # data set, operation


def dataset_times(data: ReportData) -> Mapping[str, CurveTimes]:
    """The times of each curve that was timed."""
    quartiles = {key: ends for run in data.runs for key, ends in _quartiles(run).items()}
    found: defaultdict[str, dict[tuple[str, str], DatasetTime]] = defaultdict(dict)
    for key, rows in data.latency.groupby(["curve", "dataset", "operation"], sort=False):
        curve, dataset, operation = map(str, key)
        time = DatasetTime(
            rows.median_s.mean(), *quartiles[curve, dataset, operation], rows.n_images.max(), rows.quality.nunique()
        )
        found[curve][dataset, operation] = time
    return found


def _quartiles(run: Run) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Curve, data set, operation -> quartiles."""
    records = run.records[run.records.status == "ok"]
    medians = {name: sample_medians(records[f"{name}_s"].tolist()) for name in OPERATIONS}
    found = {}
    for group in record_groups(records, ["codec", "device", "dataset"], medians, by=("codec", "device", "dataset")):
        codec, device, dataset = (group[name][0] for name in ("codec", "device", "dataset"))
        for operation in OPERATIONS:
            known = group[operation][~np.isnan(group[operation])]
            if len(known):
                low_s, high_s = np.percentile(known, (25, 75))
                found[curve_id(run.name, codec, device), dataset, operation] = float(low_s), float(high_s)
    return found
