"""Data sets: where they are looked for, what images they have, and whether those are the known ones."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from lic_bench.errors import UserError, unknown
from lic_bench.images import sample_pictures as sample
from lic_bench.images.image_file import Image as Image
from lic_bench.images.image_file import open_listing, pixels_sha256, read_file
from lic_bench.images.image_file import read_image as read_image
from lic_bench.system.named_folders import named_folder

SUFFIXES = frozenset((".png", ".ppm", ".bmp", ".tif", ".tiff", ".webp", ".jpg", ".jpeg"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """What is known of a data set by name. size, how, what: in words, for tables.

    sizes: the (width, height) an image may have; None: any.
    """

    count: int
    size: str
    how: str
    what: str
    sizes: frozenset[tuple[int, int]] | None = None


DATASETS = {
    "kodak": DatasetInfo(
        count=24,
        size="768x512, 512x768",
        how="lic-bench fetch kodak",
        what="Kodak Lossless True Color Image Suite, its 768x512 form",
        sizes=frozenset(((768, 512), (512, 768))),
    ),
    "clic": DatasetInfo(
        count=41,
        size="up to 2048",
        how="lic-bench fetch clic",
        what="CLIC 2020 professional, validation part; not its test part, nor the mobile one",
    ),
    "tecnick": DatasetInfo(
        count=100,
        size="1200x1200",
        how="lic-bench fetch tecnick",
        what="TESTIMAGES (Tecnick) SAMPLING, 8-bit RGB at 1200x1200",
        sizes=frozenset(((1200, 1200),)),
    ),
    "sample": DatasetInfo(
        count=len(sample.SEEDS),
        size=f"{sample.WIDTH}x{sample.HEIGHT}",
        how="built in",
        what="dead-leaves pictures, made on the spot, with the edges and the spectrum of photographs",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The images of one run's data set, in order of their names.

    name: "kodak", or "kodak@256" where images are cropped to 256x256, so that the two are never averaged together.
    warnings: one line each, where the images are not the known ones; empty for images that are not checked.
    found: how many images were there before `limit` took the first ones.
    """

    name: str
    images: tuple[Image, ...]
    warnings: tuple[str, ...] = ()
    found: int = 0


def find_dataset(
    name: str, data_root: Path | None = None, *, limit: int | None = None, crop: int | None = None
) -> Dataset:
    """The data set called `name` (kodak, clic, tecnick, sample), or the images of a folder and of those inside it.

    Looked for in data_root, else $LIC_BENCH_DATA and the user cache. limit: only the first images. crop: only the
    central crop x crop pixels of each. An unreadable image is listed, with width and height None.
    Raises UserError for an unknown name, data that is not there, an empty folder, limit or crop under 1.
    """
    for option, value in (("limit", limit), ("crop", crop)):
        if value is not None and value < 1:
            raise UserError(f"{option} {value}: allowed is 1 or more.")
    if name == "sample":
        return _sample(limit, crop)
    if name in DATASETS:
        return _listed(name, _find_folder(name, data_root), limit, crop)
    folder = _plain_folder(name)
    known = folder.name.lower() if folder.name.lower() in DATASETS else folder.name
    if known == "sample":
        raise UserError(f"{folder} has the name of the built-in data set 'sample'; rename the folder.")
    return _listed(known, folder, limit, crop)


def data_places(data_root: Path | None) -> list[Path]:
    """The folders where data sets are looked for: data_root alone if given, else $LIC_BENCH_DATA and the user cache."""
    if folder := named_folder(data_root):
        return [folder]
    named = named_folder(os.environ.get("LIC_BENCH_DATA"))
    return [*([named] if named else []), user_cache_path("lic-bench") / "data"]


@cache
def manifest(name: str) -> dict[str, dict[str, Any]]:
    """file name -> {"width", "height", "bytes", "sha256", "pixels_sha256"} of a data set; empty where none is known."""
    file = Path(__file__).parent / "manifests" / f"{name}.json"
    images: dict[str, dict[str, Any]] = json.loads(file.read_text())["images"] if file.is_file() else {}
    return images


def _sample(limit: int | None, crop: int | None) -> Dataset:
    hashes = manifest("sample")
    images = [
        Image(
            name=name,
            path=None,
            width=min(sample.WIDTH, crop or sample.WIDTH),
            height=min(sample.HEIGHT, crop or sample.HEIGHT),
            sha256=hashes[name]["pixels_sha256"],
            crop=crop,
            seed=seed,
        )
        for seed, name in ((seed, f"leaves{seed}.png") for seed in sample.SEEDS)
    ]
    return Dataset(name=_cropped_name("sample", crop), images=tuple(images[:limit]), found=len(images))


def _plain_folder(name: str) -> Path:
    folder = named_folder(name) or Path()
    if folder.is_dir():
        return folder.resolve()
    if folder.is_file():
        raise UserError(f"Data set {name!r} is a file; give the folder that holds the images.")
    if os.sep in name:
        raise UserError(f"Data set {name!r}: no such folder; give a folder of images or one of {', '.join(DATASETS)}.")
    raise unknown("data set", name, DATASETS)


def _find_folder(name: str, data_root: Path | None) -> Path:
    """The first folder called `name` that holds an image, at any depth under a place, or a place itself."""
    places = data_places(data_root)
    for place in places:
        for folder in _folders_called(name, place):
            if next(_image_files(folder), None):
                return folder
    searched = ", ".join(str(place / name) for place in places)
    hint = "" if data_root else "; or say where the images are with --data-root or $LIC_BENCH_DATA"
    raise UserError(f"Data set {name!r} is not there. Searched: {searched}. Get it: lic-bench fetch {name}{hint}.")


def _folders_called(name: str, place: Path) -> Iterator[Path]:
    if not place.is_dir():
        return
    if place.resolve().name.lower() == name:
        yield place
    for folder, inside, _ in os.walk(place):
        inside[:] = sorted(d for d in inside if not d.startswith((".", "__")))
        yield from (Path(folder) / d for d in inside if d.lower() == name)


def _image_files(folder: Path) -> Iterator[Path]:
    """Every image file in the folder and below, hidden ones and archivers' leftovers aside."""
    for here, inside, files in os.walk(folder):
        inside[:] = sorted(d for d in inside if not d.startswith((".", "__")))
        for file in sorted(files):
            if Path(file).suffix.lower() in SUFFIXES and not file.startswith("."):
                yield Path(here) / file


def _listed(name: str, folder: Path, limit: int | None, crop: int | None) -> Dataset:
    files = list(_image_files(folder))
    if not files:
        raise UserError(f"{folder} holds no images; allowed are {', '.join(sorted(SUFFIXES))} files there or below.")
    short = [file.name for file in files]
    if len(set(short)) < len(short):  # the same name in two folders: only the way to it tells them apart
        short = [file.relative_to(folder).as_posix() for file in files]
    chosen = sorted(zip(short, files, strict=True))[:limit]
    whole = [open_listing(file, label) for label, file in chosen]
    return Dataset(
        name=_cropped_name(name, crop),
        images=tuple(_with_crop(image, crop) for image in whole),
        warnings=tuple(_doubts(name, folder, len(files), whole)) if name in DATASETS else (),
        found=len(files),
    )


def _with_crop(image: Image, crop: int | None) -> Image:
    if crop is None or image.width is None or image.height is None:
        return replace(image, crop=crop)
    return replace(image, width=min(image.width, crop), height=min(image.height, crop), crop=crop)


def _cropped_name(name: str, crop: int | None) -> str:
    return name if crop is None else f"{name}@{crop}"


def uncropped(name: str) -> str:
    """The data set of whose cropped images a record is: "kodak@256" -> "kodak"."""
    return name.partition("@")[0]


def _doubts(name: str, folder: Path, count: int, images: list[Image]) -> Iterator[str]:
    """One line for each way in which a named data set is not what its name promises."""
    info = DATASETS[name]
    if count != info.count:
        yield f"{name}: {count} images in {folder}, the data set has {info.count}; averages are not comparable."
    if bad := [i.name for i in images if i.width is None]:
        yield f"{name}: {_few(bad)} cannot be read and will be failed records."
    sized = [i for i in images if i.width is not None]
    if odd := [
        f"{i.name} ({i.width}x{i.height})" for i in sized if info.sizes and (i.width, i.height) not in info.sizes
    ]:
        yield f"{name}: {_few(odd)}: another size than the data set's {info.size}."
    if other := [i.name for i in sized if manifest(name) and not _known(i, manifest(name))]:
        yield f"{name}: {_few(other)}: not the known pixels (sha256 differs); get them again: lic-bench fetch {name}."


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _known(image: Image, known: dict[str, dict[str, Any]]) -> bool:
    """Whether the file, or else its pixels, are the known ones."""
    entry = known.get(Path(image.name).name)
    if entry is None or image.path is None:
        return False
    if image.sha256 == entry["sha256"]:
        return True
    try:
        return pixels_sha256(read_file(image.path)) == str(entry["pixels_sha256"])
    except UserError:
        return False
