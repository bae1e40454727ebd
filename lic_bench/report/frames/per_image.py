"""Sizes and quality of each image by each codec at each quality, as the records have them."""

import numpy as np
import pandas as pd

from lic_bench.report.frames.codec_costs import identity_columns
from lic_bench.report.frames.image_sets import records_on_curves
from lic_bench.report.frames.rd_points import decibels
from lic_bench.store.run_folder import Run

PER_IMAGE = [
    *("run", "codec", "label", "device", "dataset", "quality", "image", "width", "height"),
    *("payload_bytes", "header_bytes", "bpp", "psnr_db", "ms_ssim_db", "ms_ssim"),
]


def per_image_frame(run: Run) -> pd.DataFrame:
    """One row per coded image, columns PER_IMAGE, of the run's records_on_curves; bpp of the payload.

    NaN for what was not measured, and for the dB of an image that came back exactly.
    """
    records = records_on_curves(run.records)
    records = records[(records.status == "ok") & records.payload_bytes.notna()]
    groups = records.groupby(["codec", "device", "dataset", "quality"], sort=False)
    frames = [_coded_images(run, group) for _, group in groups]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=PER_IMAGE)


def _coded_images(run: Run, group: pd.DataFrame) -> pd.DataFrame:
    numbers = group.astype({"payload_bytes": int, "psnr_db": float, "ms_ssim": float})
    known = {name: value for name, value in identity_columns(run, group).items() if name in PER_IMAGE}
    frame: pd.DataFrame = numbers.assign(
        **known,
        bpp=8 * numbers.payload_bytes / (numbers.width * numbers.height),
        psnr_db=numbers.psnr_db.where(np.isfinite(numbers.psnr_db)),
        ms_ssim_db=decibels(numbers.ms_ssim.to_numpy()),
    )[PER_IMAGE]
    return frame
