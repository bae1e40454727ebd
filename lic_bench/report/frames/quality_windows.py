"""One interval of quality for all BD-rates of a data set: what all of its curves reach."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from lic_bench.errors import UserError
from lic_bench.rate_distortion.bd_rate import Window, monotone
from lic_bench.report.labels import dataset_label


@dataclass(frozen=True, slots=True)
class QualityWindow:
    """low, high: in dB; from_label, to_label: the curves that begin highest and end lowest."""

    dataset: str
    low: float
    high: float
    from_label: str
    to_label: str

    def ends(self) -> Window:
        """UserError where no quality is common to all curves."""
        if self.low >= self.high:
            raise UserError(
                f"No quality is common to all curves on {dataset_label(self.dataset)}: {self.from_label} begins at "
                f"{self.low:.2f} dB, {self.to_label} ends at {self.high:.2f} dB; leave one of the two out."
            )
        return self.low, self.high

    def __str__(self) -> str:
        where = f"{dataset_label(self.dataset)} {self.low:.2f} .. {self.high:.2f} dB"
        return f"{where} (from {self.from_label}, to {self.to_label})"


def common_windows(points: pd.DataFrame, metric: str) -> dict[str, QualityWindow]:
    """Data set -> the interval that every curve of these points reaches, over whichever images it is."""
    ranges: dict[str, list[tuple[float, float, str]]] = {}
    complete = points[points.complete & points[metric].notna()]
    for (_, dataset, _), rows in complete.groupby(["curve", "dataset", "image_set"], sort=False):
        label = str(rows.label.iloc[0])
        try:
            curve, _ = monotone(label, rows.bpp, rows[metric])
        except UserError:
            continue  # of one point: no BD-rate either
        ranges.setdefault(str(dataset), []).append((float(curve.quality[0]), float(curve.quality[-1]), label))
    return {dataset: _window(dataset, of_curves) for dataset, of_curves in ranges.items()}


def _window(dataset: str, ranges: list[tuple[float, float, str]]) -> QualityWindow:
    low, _, from_label = max(ranges, key=lambda curve: curve[0])
    _, high, to_label = min(ranges, key=lambda curve: curve[1])
    return QualityWindow(dataset, low, high, from_label, to_label)


def windows_text(windows: Mapping[str, QualityWindow]) -> str:
    """The sentence for captions; "" without windows."""
    known = [str(window) for window in windows.values() if window.low < window.high]
    return f"All BD-rates of a data set are over one window of quality: {', '.join(known)}." if known else ""
