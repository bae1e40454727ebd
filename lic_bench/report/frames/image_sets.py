"""Which pictures a curve is over: two curves are comparable only where these are the same."""

import hashlib
from collections.abc import Collection, Iterable
from pathlib import PurePath
from typing import Any, TypeAlias

import pandas as pd

from lic_bench.images.known_datasets import read_manifest, warns_of
from lic_bench.rate_distortion import published
from lic_bench.report.labels import plural
from lic_bench.spec import VARIANT_MARK
from lic_bench.store.run_folder import Run

Picture: TypeAlias = tuple[str, int, int, str]  # name, width, height, sha256 of the file, "" if the run has none
PICTURE = ["image", "width", "height", "image_sha256"]


def pictures_of(records: pd.DataFrame) -> frozenset[Picture]:
    """The pictures of these records."""
    return frozenset(picture_list(records))


def picture_list(records: pd.DataFrame) -> list[Picture]:
    """The picture of each record."""
    columns = records[PICTURE].fillna({"image_sha256": ""})
    return list(zip(*(columns[name].tolist() for name in PICTURE), strict=True))


def records_of_usable(run: Run) -> pd.DataFrame:
    """The records without those of pictures that nobody could read, which run.json does not name."""
    records, named = run.records, run.info.get("images") or {}
    rows = zip(*(records[name].tolist() for name in ("dataset", "image", "status")), strict=True)
    return records.loc[
        [status == "ok" or not named or f"{dataset}/{image}" in named for dataset, image, status in rows]
    ]


def without_lost_sync(records: pd.DataFrame) -> pd.DataFrame:
    """The records without those of a variant of a codec at a quality at which it lost sync at any image of a data set.

    What it decodes of the others is no property of that variant: it has no point there.
    """
    lost = records[(records.failure == "out_of_sync") & records.codec.str.contains(VARIANT_MARK, regex=False)]
    if lost.empty:
        return records
    by = ["codec", "device", "dataset", "quality"]
    keys = set(lost[by].itertuples(index=False, name=None))
    return records.loc[[key not in keys for key in records[by].itertuples(index=False, name=None)]]


def records_on_curves(records: pd.DataFrame) -> pd.DataFrame:
    """The records that may be in rate-distortion points: of no random weights, and `without_lost_sync`."""
    return without_lost_sync(records[records.weights != "random"])


def image_set(run: Run, dataset: str) -> str:
    """The name of the data set if these are its published pictures, else the name with their number and a checksum.

    Two curves are comparable if this is equal. The pictures are those that the run touched and that can be used.
    """
    records = records_of_usable(run)
    return image_set_of(pictures_of(records[records.dataset == dataset]), dataset, [run])


def image_set_of(pictures: Collection[Picture], dataset: str, runs: Iterable[Run]) -> str:
    """The name of an image set. runs: that have these pictures; if they are the published ones, all must say so."""
    ordered = sorted(pictures)
    if all(_are_published(ordered, dataset, run.info) for run in runs):
        return dataset
    digest = hashlib.sha256(repr(ordered).encode()).hexdigest()[:12]
    return f"{dataset} [{plural(len({name for name, *_ in ordered}), 'image')}, {digest}]"


def pixels_are_known(dataset: str) -> bool:
    """Whether it is known here which pixels the pictures of a published data set have."""
    return bool(read_manifest(dataset))


def sizes_fit(images: pd.DataFrame, size: tuple[int, int] | None) -> bool:
    """Whether every row (width, height) has this size, turned or not; None fits all."""
    return size is None or all(sorted(pair) == sorted(size) for pair in zip(images.width, images.height, strict=True))


def _are_published(pictures: list[Picture], dataset: str, info: dict[str, Any]) -> bool:
    """Number and sizes fit, and the pixels where they are known: by the files' hashes, or as the run found them."""
    known = published.test_sets().get(dataset)
    frame = pd.DataFrame(pictures, columns=PICTURE)
    if not known or len(pictures) != known.images or not sizes_fit(frame, known.size):
        return False
    originals = {name: entry["sha256"] for name, entry in read_manifest(dataset).items()}
    if all(originals.get(PurePath(name).name) == sha256 for name, *_, sha256 in pictures):
        return True
    return not originals or ("warnings" in info and not any(warns_of(dataset, line) for line in info["warnings"]))
