"""Rate-distortion points as one frame: from the records of a run, and from the published data."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.bd_rate import Floats
from lic_bench.report.labels import measured_label, plural
from lic_bench.store.run_folder import Run

RATE_QUALITY = ("bpp", "bpp_total", "psnr_db", "ms_ssim_db", "ms_ssim")
COLUMNS = [
    *("curve", "provenance", "run", "codec", "label", "device", "dataset", "image_set", "quality", "mode", "version"),
    *RATE_QUALITY,
    *("n_images", "n_failed", "complete", "metric_optimised_for", "source", "note"),
]
NUMBERS = dict.fromkeys(("quality", *RATE_QUALITY), float) | {"n_images": float, "n_failed": int, "complete": bool}


def rd_points(run: Run) -> pd.DataFrame:
    """One row per (codec, quality, dataset) of the run, columns COLUMNS; a record of random weights gives none.

    bpp: payload bits over height x width, mean over images; bpp_total with the header. psnr_db, ms_ssim_db: means of
    the per-image values. ms_ssim: mean of the linear values. A metric that one image lacks is NaN. complete: every
    usable image of the data set that the run touched is there; a point that is not complete enters no curve.
    """
    records = run.records[run.records.weights != "random"]
    wanted = {str(name): group for name, group in _of_usable_images(run).groupby("dataset")}
    rows = [
        _point(run, group, wanted[str(group.dataset.iloc[0])])
        for _, group in records.groupby(["codec", "device", "dataset", "quality"], sort=False)
        if (group.status == "ok").any()
    ]
    return _frame(rows)


def published_points(slugs: Sequence[str]) -> pd.DataFrame:
    """The published points of the codecs in the same columns; quality and the counts of failures do not apply."""
    points = published.load_points(slugs)
    sets = published.test_sets()
    points = points.assign(
        curve="published:" + points.codec,
        run="",
        device="",
        mode="",
        version="",
        image_set=points.dataset,
        quality=np.nan,
        bpp_total=np.nan,
        n_images=[sets[name].images for name in points.dataset],
        n_failed=0,
        complete=True,
    )
    return _frame(points[COLUMNS])


def all_points(runs: Sequence[Run], slugs: Sequence[str]) -> pd.DataFrame:
    """The published points of the codecs, then the measured ones of the runs."""
    frames = [published_points(slugs), *(rd_points(run) for run in runs)]
    frames = [frame for frame in frames if len(frame)]
    return _frame(pd.concat(frames, ignore_index=True) if frames else [])


def image_set(records: pd.DataFrame, dataset: str) -> str:
    """The data set's name if it is whole as published, else the name with the number of images and a checksum.

    records: rows of one data set with image, width, height. Two curves are comparable if this is equal.
    """
    images = records.groupby("image", as_index=False)[["width", "height"]].max()
    known = published.test_sets().get(dataset)
    if known and len(images) == known.images and sizes_fit(images, known.size):
        return dataset
    names = sorted(f"{name} {width}x{height}" for name, width, height in images.itertuples(index=False))
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:6]
    return f"{dataset} [{plural(len(names), 'image')}, {digest}]"


def curve_id(run: str, codec: str, device: str) -> str:
    """What a measured curve is called in the frames: unique over runs, codecs and devices."""
    return f"{run}:{codec}:{device}"


def sizes_fit(images: pd.DataFrame, size: tuple[int, int] | None) -> bool:
    """Whether every row (width, height) has this size, turned or not; None fits all."""
    if size is None:
        return True
    low, high = images[["width", "height"]].min(axis=1), images[["width", "height"]].max(axis=1)
    return bool((low == min(size)).all() and (high == max(size)).all())


def _point(run: Run, group: pd.DataFrame, wanted: pd.DataFrame) -> dict[str, Any]:
    ok = group[group.status == "ok"]
    first = ok.iloc[0]
    pixels = _floats(ok.width) * _floats(ok.height)
    payload, header, ms_ssim = _floats(ok.payload_bytes), _floats(ok.header_bytes.fillna(0)), _floats(ok.ms_ssim)
    return {
        "curve": curve_id(run.name, first.codec, first.device),
        "provenance": "measured",
        "run": run.name,
        "codec": first.codec,
        "label": measured_label(first.codec, first["mode"]),
        "mode": first["mode"],
        "version": first.encoder_version,
        "device": first.device,
        "dataset": first.dataset,
        "image_set": image_set(wanted, first.dataset),
        "quality": first.quality,
        "bpp": float((8 * payload / pixels).mean()),
        "bpp_total": float((8 * (payload + header) / pixels).mean()),
        "psnr_db": _mean(_floats(ok.psnr_db)),
        "ms_ssim_db": _mean(_decibels(ms_ssim)),
        "ms_ssim": _mean(ms_ssim),
        "n_images": len(ok),
        "n_failed": int((group.status != "ok").sum()),
        "complete": set(ok.image) == set(wanted.image),
    }


def _of_usable_images(run: Run) -> pd.DataFrame:
    """The records without those of images that no codec could read, which run.json does not name."""
    records, named = run.records, run.info.get("images") or {}
    pairs = zip(records.dataset, records.image, records.status, strict=True)
    return records.loc[
        [status == "ok" or not named or f"{dataset}/{image}" in named for dataset, image, status in pairs]
    ]


def _floats(column: "pd.Series[Any]") -> Floats:
    return np.asarray(column.astype(float), np.float64)


def _decibels(ms_ssim: Floats) -> Floats:
    """-10 log10(1 - x); NaN for a perfect 1.0, which has no finite value."""
    decibels: Floats = -10 * np.log10(np.where(ms_ssim < 1, 1 - ms_ssim, np.nan))
    return decibels


def _mean(values: Floats) -> float:
    """The mean, or NaN where one value is missing."""
    return float(values.mean()) if np.isfinite(values).all() else float("nan")


def _frame(rows: pd.DataFrame | list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=COLUMNS).astype(NUMBERS)
    texts = [name for name in COLUMNS if name not in NUMBERS]
    return frame.astype(dict.fromkeys(texts, object)).fillna(dict.fromkeys(texts, ""))
