"""The measured codecs that coded the same images of a data set, each with its points of every image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lic_bench.errors import UserError
from lic_bench.rate_distortion.image_bootstrap import ImageCurves
from lic_bench.report.frames.common_images import CommonImages, Key
from lic_bench.report.frames.image_sets import Picture, image_set_of, records_on_curves
from lic_bench.report.frames.rd_points import curve_id
from lic_bench.report.frames.record_groups import POINT, Group, floats, record_groups
from lic_bench.report.labels import measured_label
from lic_bench.store.run_folder import Run

NEEDED = ["mode", "image", "width", "height", "payload_bytes", "psnr_db"]  # columns of records


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
    points = {key: groups for run in runs for key, groups in _points(run).items()}
    for key, images in common.items():
        if not images.pictures:
            continue
        label = image_set_of(images.pictures, key[3], images.runs)
        if codec := _codec(points.get(key, ()), key, images.pictures, label):
            pools.setdefault((key[3], images.pictures), []).append(codec)
    return [pool for pool in pools.values() if len(pool) > 1]


def _points(run: Run) -> dict[Key, list[Group]]:
    """The records of each point of a curve, sorted by image."""
    records = records_on_curves(run.records)[[*POINT, "status", *NEEDED]]
    records = records[(records.status == "ok") & (records.payload_bytes > 0)].sort_values("image", kind="stable")
    found: dict[Key, list[Group]] = {}
    for group in record_groups(records, [*POINT, *NEEDED]):
        codec, device, dataset = (str(group[name][0]) for name in POINT[:3])
        found.setdefault((run.name, codec, device, dataset), []).append(group)
    return found


def _codec(points: Sequence[Group], key: Key, pictures: frozenset[Picture], image_set: str) -> CodecImages | None:
    """None where fewer than two of its points are on a curve."""
    names = {name for name, *_ in pictures}
    rates, qualities = [], []
    for point in points:
        of_common = [image in names for image in point["image"]]
        own = {name: values[of_common] for name, values in point.items()}
        psnr_db = floats(own["psnr_db"])
        if set(own["image"]) == names and np.isfinite(psnr_db).all():
            rates.append(8 * floats(own["payload_bytes"]) / floats(own["width"] * own["height"]))
            qualities.append(psnr_db)
    try:
        name = measured_label(key[1], points[0]["mode"][0])
        return CodecImages(key, name, image_set, ImageCurves(name, np.stack(rates, 1), np.stack(qualities, 1)))
    except (UserError, ValueError, IndexError):  # no quality has them all, or they do not rise
        return None
