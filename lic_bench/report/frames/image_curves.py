"""The measured codecs that coded the same images of a data set, each with its points of every image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lic_bench.errors import UserError
from lic_bench.rate_distortion.image_bootstrap import ImageCurves
from lic_bench.report.frames.common_images import CommonImages, Key
from lic_bench.report.frames.image_sets import Picture, image_set_of, records_on_curves
from lic_bench.report.frames.rd_points import curve_id
from lic_bench.report.labels import measured_label
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True, eq=False)
class CodecImages:
    """A measured codec over the images that all of its pool have. image_set: their name."""

    key: Key
    label: str
    image_set: str
    curves: ImageCurves

    @property
    def curve(self) -> str:
        """The id of its curves."""
        return curve_id(*self.key[:3])


def image_pools(runs: Sequence[Run], common: Mapping[Key, CommonImages]) -> list[list[CodecImages]]:
    """The codecs by data set and common images (see common_images), in order of their records; none alone.

    A codec's points are those of the qualities at which it has all of these images, each with a finite PSNR.
    """
    pools: dict[tuple[str, frozenset[Picture]], list[CodecImages]] = {}
    names = {run.name: run for run in runs}
    for key, images in common.items():
        if not images.pictures:
            continue
        label = image_set_of(images.pictures, key[3], images.runs)
        if codec := _codec(names[key[0]], key, images.pictures, label):
            pools.setdefault((key[3], images.pictures), []).append(codec)
    return [pool for pool in pools.values() if len(pool) > 1]


def _codec(run: Run, key: Key, pictures: frozenset[Picture], image_set: str) -> CodecImages | None:
    """None where fewer than two of its points are on a curve."""
    _, codec, device, dataset = key
    records = records_on_curves(run.records)
    records = records[(records.codec == codec) & (records.device == device) & (records.dataset == dataset)]
    records = records[(records.status == "ok") & (records.payload_bytes > 0)]
    names = {name for name, *_ in pictures}
    records = records[records.image.isin(names)].sort_values("image")
    rates, qualities = [], []
    for _, rows in records.groupby("quality", sort=False):
        psnr_db = np.asarray(rows.psnr_db.astype(float), np.float64)
        if set(rows.image) == names and np.isfinite(psnr_db).all():
            bits = 8 * np.asarray(rows.payload_bytes.astype(float), np.float64)
            rates.append(bits / np.asarray((rows.width * rows.height).astype(float), np.float64))
            qualities.append(psnr_db)
    try:
        name = measured_label(codec, records["mode"].iloc[0])
        return CodecImages(key, name, image_set, ImageCurves(name, np.stack(rates, 1), np.stack(qualities, 1)))
    except (UserError, ValueError, IndexError):  # no quality has them all, or they do not rise
        return None
