"""What each measured codec made of each picture of a data set: its points, and the curve through them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lic_bench.rate_distortion.bd_rate import Floats
from lic_bench.rate_distortion.equal_rates import Curves
from lic_bench.report.frames.common_images import Key
from lic_bench.report.frames.image_sets import Picture, picture_list, records_on_curves
from lic_bench.report.frames.samples import sample_medians
from lic_bench.report.labels import measured_label
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True, eq=False)
class CodedDataset:
    """The pictures [k] of a data set that a codec coded on a device in a run, at up to n qualities each.

    places: picture -> its place. bytes of the payload, psnr_db: [k, n]. seconds: "encode", "decode" -> medians of the
    samples [k, n]. NaN where not measured. curves: [k], through the points that rise.
    """

    key: Key
    label: str
    places: Mapping[Picture, int]
    bytes: Floats
    psnr_db: Floats
    seconds: Mapping[str, Floats]
    curves: Curves

    @property
    def columns(self) -> dict[str, str]:
        """What says in a frame which codec this is."""
        return dict(zip(("run", "codec", "device", "dataset"), self.key, strict=True)) | {"label": self.label}


def coded_datasets(runs: Sequence[Run]) -> Iterator[CodedDataset]:
    """What is coded in each run's records_on_curves, the codecs in order of their records."""
    for run in runs:
        records = records_on_curves(run.records)
        records = records[records.status == "ok"]
        records = records[records.payload_bytes > 0]
        for (codec, device, dataset), rows in records.groupby(["codec", "device", "dataset"], sort=False):
            label = measured_label(str(codec), rows["mode"].iloc[0])
            yield _coded((run.name, str(codec), str(device), str(dataset)), label, rows)


def _coded(key: Key, label: str, rows: pd.DataFrame) -> CodedDataset:
    places: dict[Picture, int] = {}
    own = np.array([places.setdefault(picture, len(places)) for picture in picture_list(rows)])
    counts = np.bincount(own)
    order = np.argsort(own, kind="stable")
    point = np.empty_like(own)
    point[order] = np.arange(len(own)) - np.repeat(np.cumsum(counts) - counts, counts)

    def table(values: Floats) -> Floats:
        filled = np.full((len(places), counts.max()), np.nan)
        filled[own, point] = values
        return filled

    size, psnr_db, width, height = (
        rows[name].to_numpy(float, na_value=np.nan) for name in ("payload_bytes", "psnr_db", "width", "height")
    )
    seconds = {name: table(sample_medians(rows[f"{name}_s"].tolist())) for name in ("encode", "decode")}
    curves = Curves.through(table(8 * size / (width * height)), table(psnr_db))
    return CodedDataset(key, label, places, table(size), table(psnr_db), seconds, curves)
