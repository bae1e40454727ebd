"""Sizes and quality of each image by each codec at each quality, as the records have them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from lic_bench.report.frames.image_sets import records_on_curves
from lic_bench.report.frames.rd_points import decibels
from lic_bench.report.labels import measured_label
from lic_bench.store.run_folder import Run

PER_IMAGE = [
    *("run", "codec", "label", "device", "dataset", "quality", "image", "width", "height"),
    *("payload_bytes", "header_bytes", "bpp", "psnr_db", "ms_ssim_db", "ms_ssim"),
]

GROUP = ["codec", "device", "dataset", "quality"]


def per_image_frame(run: Run) -> pd.DataFrame:
    """One row per coded image, columns PER_IMAGE, of the run's records_on_curves; bpp of the payload.

    NaN for what was not measured, and for the dB of an image that came back exactly.
    """
    records = records_on_curves(run.records)
    records = records[(records.status == "ok") & records.payload_bytes.notna()]
    if records.empty:
        return pd.DataFrame(columns=PER_IMAGE)
    records = records.iloc[records.groupby(GROUP, sort=False).ngroup().argsort(kind="stable")]
    first = records.drop_duplicates(GROUP)
    labels = dict(zip(_keys(first), map(measured_label, first.codec, first["mode"]), strict=True))
    numbers = records.astype({"payload_bytes": int, "psnr_db": float, "ms_ssim": float})
    frame: pd.DataFrame = numbers.assign(
        run=run.name,
        label=[labels[key] for key in _keys(records)],
        bpp=8 * numbers.payload_bytes / (numbers.width * numbers.height),
        psnr_db=numbers.psnr_db.where(np.isfinite(numbers.psnr_db)),
        ms_ssim_db=decibels(numbers.ms_ssim.to_numpy()),
    )[PER_IMAGE]
    return frame.reset_index(drop=True)


def _keys(records: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    return records[GROUP].itertuples(index=False, name=None)
