"""The images that all measured codecs of a data set have, over which these are compared with each other."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Self, TypeAlias

import pandas as pd

from lic_bench.rate_distortion.bd_rate import MIN_POINTS
from lic_bench.report.frames.image_sets import Picture, picture_list, pictures_of, records_of_usable, records_on_curves
from lic_bench.report.labels import dataset_label, measured_label, plural
from lic_bench.store.run_folder import Run

MIN_QUALITIES = min(MIN_POINTS.values())  # of a codec, for a BD-rate; one with fewer takes no images from the others
# Columns that say what counts.
COUNTED = ["codec", "device", "dataset", "quality", "status", "failure", "weights", "mode", "payload_bytes"]
NAMED = 10  # of the images that a codec lacks, so many are named
Key: TypeAlias = tuple[str, str, str, str]  # name of the run, codec, device, data set


@dataclass(frozen=True, slots=True)
class CommonImages:
    """pictures: that all codecs of `runs` on a data set have. note: which ones are missing where; "" if none is."""

    pictures: frozenset[Picture]
    runs: Sequence[Run]
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """What a codec has of a data set in a run. pictures: coded at each of the qualities that count."""

    run: Run
    codec: str
    label: str
    device: str
    dataset: str
    pictures: frozenset[Picture]

    @property
    def key(self) -> Key:
        """What makes it unique."""
        return self.run.name, self.codec, self.device, self.dataset


@dataclass(frozen=True, slots=True)
class _Pool:
    """Codecs that were given images in common, directly or through one another. pictures: of any of them."""

    pictures: frozenset[Picture]
    members: Sequence[Coded]

    def joined(self, others: Sequence[Self]) -> Self:
        """With those of other pools."""
        pictures = self.pictures.union(*(pool.pictures for pool in others))
        return type(self)(pictures, [coded for pool in (*others, self) for coded in pool.members])


def common_images(runs: Sequence[Run]) -> dict[Key, CommonImages]:
    """For every measured codec of the runs the images that it shares with all others of its data set.

    Runs of one --limit are taken together, others are apart on purpose; so are runs that share no image, even through
    others. A quality does not count where images were not tried yet, or most of them failed; nor does a codec with
    fewer than MIN_QUALITIES.
    """
    pools: defaultdict[tuple[str, object], list[_Pool]] = defaultdict(list)
    for run in runs:
        limit = (run.info.get("config") or {}).get("limit")
        for dataset, records in records_of_usable(run).groupby("dataset", sort=False):
            pool = _Pool(pictures_of(records), list(_coded_of(run, str(dataset), records)))
            of_kind = pools[str(dataset), limit]
            touching = [other for other in of_kind if pool.members and other.pictures & pool.pictures]
            apart = [other for other in of_kind if other not in touching]
            pools[str(dataset), limit] = [*apart, pool.joined(touching)] if pool.members else of_kind
    return {coded.key: images for kept in pools.values() for pool in kept for coded, images in _shared(pool)}


def _coded_of(run: Run, dataset: str, records: pd.DataFrame) -> Iterable[Coded]:
    """Each codec that has a curve. records: of all codecs of a run on a data set."""
    given = picture_list(records)
    wanted = frozenset(given)
    records = records[COUNTED].assign(picture=pd.Series(given, records.index, dtype=object))
    for (codec, device), group in records_on_curves(records).groupby(["codec", "device"], sort=False):
        if group.payload_bytes.isna().all():
            continue
        counting = [own for _, rows in group.groupby("quality") if (own := _counting(rows, wanted)) is not None]
        if len(counting) >= MIN_QUALITIES:
            label, pictures = measured_label(str(codec), group["mode"].iloc[0]), reduce(frozenset.__and__, counting)
            yield Coded(run, str(codec), label, str(device), dataset, pictures)


def _counting(rows: pd.DataFrame, wanted: frozenset[Picture]) -> frozenset[Picture] | None:
    """The pictures coded at a quality; None if some were not tried, or most of them failed."""
    coded = frozenset(rows.picture[rows.status == "ok"].tolist())
    return coded if frozenset(rows.picture.tolist()) >= wanted and 2 * len(coded) >= len(wanted) else None


def _shared(pool: _Pool) -> list[tuple[Coded, CommonImages]]:
    common = reduce(frozenset.__and__, (coded.pictures for coded in pool.members))
    runs = list({coded.run.name: coded.run for coded in pool.members}.values())
    images = CommonImages(common, runs, _note(pool, common) if common != pool.pictures else "")
    return [(coded, images) for coded in pool.members]


def _note(pool: _Pool, common: frozenset[Picture]) -> str:
    """Over how many images, and which ones are missing for whom."""
    dataset, names = dataset_label(pool.members[0].dataset), [name for name, *_ in pool.pictures]
    if not common:
        return f"No image of {dataset} was coded by all codecs here at all their qualities."
    other_pixels = {name for name in names if names.count(name) > 1}
    missing = list(_missing(pool, other_pixels))
    if other_pixels:
        missing.append(f"{_named(other_pixels)}, whose pixels are others from run to run")
    count = plural(len(set(names)), "image")
    return f"Over {len(common)} of {count}, which all codecs here have; missing: {'; '.join(missing)}."


def _missing(pool: _Pool, other_pixels: set[str]) -> Iterable[str]:
    """For each run what it lacks in all of its codecs, then what single codecs do."""
    by_run: defaultdict[str, dict[str, set[str]]] = defaultdict(dict)
    for coded in pool.members:
        lacking = {name for name, *_ in pool.pictures - coded.pictures} - other_pixels
        by_run[coded.run.name][coded.label] = lacking
    several = len(by_run) > 1
    for run, lacking_of in by_run.items():
        of_all = set.intersection(*lacking_of.values()) if several else set()
        if of_all:
            yield f"{_named(of_all)} in run {run}"
        for label, lacking in lacking_of.items():
            if lacking - of_all:
                yield f"{_named(lacking - of_all)} for {label}{f' in run {run}' if several else ''}"


def _named(images: set[str]) -> str:
    more = f" and {len(images) - NAMED} more" if len(images) > NAMED else ""
    return ", ".join(sorted(images)[:NAMED]) + more
