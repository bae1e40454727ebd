"""Rate-distortion points as one frame: from the records of a run, and from the published data."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lic_bench.measurement.perceptual.registry import METRICS
from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.bd_rate import Floats
from lic_bench.report.frames.common_images import CommonImages, Key, common_images
from lic_bench.report.frames.image_sets import (
    image_set,
    image_set_of,
    picture_list,
    records_of_usable,
    records_on_curves,
)
from lic_bench.report.frames.record_groups import Group, floats, record_groups
from lic_bench.report.labels import measured_label, optimised_for
from lic_bench.store.mean_curves import Imported, MeanCurve
from lic_bench.store.run_folder import Run

RATE_QUALITY = ("bpp", "bpp_total", "psnr_db", "ms_ssim_db", "ms_ssim", *METRICS)
COLUMNS = [
    *("curve", "provenance", "run", "codec", "label", "device", "dataset", "image_set", "quality", "mode", "version"),
    *RATE_QUALITY,
    *("n_images", "n_failed", "complete", "narrowed", "common_set", "common_note"),
    *("metric_optimised_for", "source", "note"),
]
# Columns of records that points are made of.
NEEDED = [
    *("codec", "mode", "device", "dataset", "quality", "encoder_version", "status", "image", "width", "height"),
    *("payload_bytes", "header_bytes", "psnr_db", "ms_ssim", "perceptual"),
]
NUMBERS: dict[str, type] = dict.fromkeys(("quality", *RATE_QUALITY), float)
NUMBERS |= {"n_images": float, "n_failed": int, "complete": bool, "narrowed": bool}


def rd_points(run: Run) -> pd.DataFrame:
    """One row per (codec, quality, dataset) of the run, columns COLUMNS, of its records_on_curves.

    bpp: payload bits over height x width, mean over images; bpp_total with the header. psnr_db, ms_ssim_db: means of
    the per-image values. ms_ssim: mean of the linear values; perceptual metrics by their names. A metric that one image
    lacks is NaN. complete: every usable image of the data set that the run touched is there, and its size is known; a
    point that is not complete enters no curve.
    """
    records = records_on_curves(run.records)
    wanted = {str(name): set(group.image) for name, group in records_of_usable(run).groupby("dataset")}
    sets = {name: image_set(run, name) for name in wanted}
    rows = [
        _point(run, group, wanted[name := str(group["dataset"][0])], sets[name])
        for group in record_groups(records, NEEDED)
        if (group["status"] == "ok").any()
    ]
    return _frame(rows)


def narrowed_points(run: Run, common: Mapping[Key, CommonImages]) -> pd.DataFrame:
    """The points of `rd_points`, with the image set in which measured codecs are compared as `common_set`.

    Where it is another one than theirs, points over it follow, marked `narrowed`. common_set: "" if no image is common.
    """
    points, rows = rd_points(run), []
    for key, images in ((key, images) for key, images in common.items() if key[0] == run.name):
        own = points.curve.eq(curve_id(*key[:3])) & points.dataset.eq(key[3])
        label = image_set_of(images.pictures, key[3], images.runs) if images.pictures else ""
        points.loc[own, ["common_set", "common_note"]] = label, images.note
        if label and label not in set(points.image_set[own]):
            known = {"common_note": images.note, "narrowed": True}
            rows += [point | known for point in _points_over(run, key, images, label)]
    return _frame(pd.concat([points, _frame(rows)], ignore_index=True) if rows else points)


def _points_over(run: Run, key: Key, images: CommonImages, label: str) -> Iterator[dict[str, Any]]:
    """The points of a curve over the common images, at the qualities that have them all."""
    _, codec, device, dataset = key
    records = records_on_curves(run.records)
    own = records[(records.codec == codec) & (records.device == device) & (records.dataset == dataset)]
    names = {name for name, *_ in images.pictures}
    own = own[own.image.isin(names)]
    pictures = pd.Series(picture_list(own), dtype=object).to_numpy()
    for group in record_groups(own, NEEDED, {"picture": pictures}, by=("quality",)):
        if set(group["picture"][group["status"] == "ok"]) == images.pictures:
            yield _point(run, group, names, label)


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
        **dict.fromkeys(("bpp_total", *METRICS), np.nan),
        n_images=[sets[name].images for name in points.dataset],
        n_failed=0,
        complete=True,
        narrowed=False,
        common_set=points.dataset,
        common_note="",
    )
    return _frame(points[COLUMNS])


def imported_points(imported: Imported) -> pd.DataFrame:
    """The points of imported curves in the same columns, over the image sets that their data sets name.

    Which images those were is not known: a set of another name than the published ones is its own for all that is
    imported, and the image set of a run that was exported is that run's.
    """
    return _frame([row for curve in imported.curves for row in _points_of(curve, imported.name)])


def _points_of(curve: MeanCurve, folder: str) -> Iterator[dict[str, Any]]:
    known = published.test_sets().get(curve.dataset)
    dataset, is_exact, _ = curve.dataset.partition(" [")
    for point in curve.points:
        n_images = point.get("n_images", known.images if known else np.nan)
        whole = bool(is_exact) or (known is not None and n_images == known.images)
        images = curve.dataset if whole else f"{dataset} [imported, by name]"
        yield {name: point.get(name) for name in ("quality", *RATE_QUALITY)} | {
            "curve": f"imported:{folder}:{curve.codec}",
            "provenance": "imported",
            "run": folder,
            "codec": curve.codec,
            "label": curve.label,
            "dataset": dataset,
            "image_set": images,
            "common_set": images,
            "n_images": n_images,
            "n_failed": 0,
            "complete": True,
            "narrowed": False,
            "metric_optimised_for": curve.metric_optimised_for,
            "source": curve.origin,
            "note": curve.description,
        }


def all_points(
    runs: Sequence[Run],
    slugs: Sequence[str],
    imported: Sequence[Imported] = (),
    common: Mapping[Key, CommonImages] | None = None,
) -> pd.DataFrame:
    """The published points of the codecs, then the imported ones, then the measured ones, see `narrowed_points`.

    common: common_images of the runs, if at hand.
    """
    common = common_images(runs) if common is None else common
    frames = [published_points(slugs), *map(imported_points, imported)]
    frames += [narrowed_points(run, common) for run in runs]
    frames = [frame for frame in frames if len(frame)]
    return _frame(pd.concat(frames, ignore_index=True) if frames else [])


def curve_id(run: str, codec: str, device: str) -> str:
    """What a measured curve is called in the frames: unique over runs, codecs and devices."""
    return f"{run}:{codec}:{device}"


def _point(run: Run, group: Group, wanted: set[str], images: str) -> dict[str, Any]:
    is_ok = group["status"] == "ok"
    ok: dict[str, Any] = {name: column[is_ok] for name, column in group.items()}
    first = {name: column[0] for name, column in ok.items()}
    pixels = floats(ok["width"]) * floats(ok["height"])
    payload, header, ms_ssim = floats(ok["payload_bytes"]), floats(ok["header_bytes"]), floats(ok["ms_ssim"])
    header = np.where(np.isnan(header), 0, header)
    return {
        "curve": curve_id(run.name, first["codec"], first["device"]),
        "provenance": "measured",
        "run": run.name,
        **{name: first[name] for name in ("codec", "mode", "device", "dataset", "quality")},
        "label": measured_label(first["codec"], first["mode"]),
        "version": first["encoder_version"],
        "image_set": images,
        "common_set": images,
        "bpp": float((8 * payload / pixels).mean()),
        "bpp_total": float((8 * (payload + header) / pixels).mean()),
        "psnr_db": _mean(floats(ok["psnr_db"])),
        "ms_ssim_db": _mean(decibels(ms_ssim)),
        "ms_ssim": _mean(ms_ssim),
        **_perceptual_means(ok["perceptual"]),
        "n_images": len(payload),
        "n_failed": int((~is_ok).sum()),
        "complete": set(ok["image"]) == wanted and bool(np.isfinite(payload).all()),
        "metric_optimised_for": optimised_for(first["codec"]),
        "narrowed": False,
    }


def _perceptual_means(values: Sequence[Mapping[str, float | None]]) -> dict[str, float]:
    """Of the metrics that all of the pictures have, in the order of METRICS."""
    there = set[str]().union(*values)
    return {name: _mean(np.array([of.get(name) for of in values], float)) for name in METRICS if name in there}


def decibels(ms_ssim: Floats) -> Floats:
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
