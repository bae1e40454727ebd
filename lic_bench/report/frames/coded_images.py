"""What each measured codec made of each picture of a data set: its points, and the curve through them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from lic_bench.errors import UserError
from lic_bench.rate_distortion.bd_rate import Floats, RDCurve, monotone
from lic_bench.report.frames.common_images import Key
from lic_bench.report.frames.image_sets import PICTURE, Picture, records_on_curves
from lic_bench.report.labels import measured_label
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True, eq=False)
class CodedImage:
    """One picture by one codec at its qualities [n]. bytes: of the payload. NaN where not measured.

    seconds: "encode", "decode" -> medians of the samples. curve: through the points that rise; None of fewer than 2.
    """

    bytes: Floats
    psnr_db: Floats
    seconds: Mapping[str, Floats]
    curve: RDCurve | None


@dataclass(frozen=True, slots=True, eq=False)
class CodedDataset:
    """All pictures of a data set that a codec coded on a device in a run."""

    key: Key
    label: str
    images: Mapping[Picture, CodedImage]

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
            named: Any = rows.fillna({"image_sha256": ""}).groupby(PICTURE, sort=False)
            images = {(name, int(w), int(h), sha256): _image(points) for (name, w, h, sha256), points in named}
            label = measured_label(str(codec), rows["mode"].iloc[0])
            yield CodedDataset((run.name, str(codec), str(device), str(dataset)), label, images)


def _image(rows: pd.DataFrame) -> CodedImage:
    payload, psnr_db = (np.asarray(rows[name].astype(float), np.float64) for name in ("payload_bytes", "psnr_db"))
    bpp = 8 * payload / (int(rows.width.iloc[0]) * int(rows.height.iloc[0]))
    seconds = {name: np.array([_median(s) for s in rows[f"{name}_s"]], np.float64) for name in ("encode", "decode")}
    known = np.isfinite(psnr_db)
    return CodedImage(payload, psnr_db, seconds, _curve(str(rows.image.iloc[0]), bpp[known], psnr_db[known]))


def _median(samples: Any) -> float:
    return median(samples) if samples else float("nan")


def _curve(name: str, bpp: Floats, psnr_db: Floats) -> RDCurve | None:
    try:
        return monotone(name, bpp, psnr_db)[0]
    except UserError:
        return None  # fewer than two points that rise
