"""Finding a data set's images: by its name, in the folders where data sets are kept, or in any folder."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

from lic_bench.errors import UserError, printable, unknown
from lic_bench.images import sample_pictures as sample
from lic_bench.images.image_file import Image, image_of_file
from lic_bench.images.known_datasets import DATASETS, check_images, read_manifest
from lic_bench.system.named_folders import named_folder

SUFFIXES = frozenset((".png", ".ppm", ".pgm", ".pnm", ".bmp", ".tif", ".tiff", ".webp", ".jpg", ".jpeg"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The images of one run's data set, in order of their names.

    name: "kodak", or "kodak@256" for images cropped to 256x256, so that the two are never averaged together.
    warnings: a line for images that cannot be used, and others for those of a known data set that are not its own.
    found: the number of images before `limit` took the first ones.
    """

    name: str
    images: tuple[Image, ...]
    warnings: tuple[str, ...] = ()
    found: int = 0

    @property
    def usable(self) -> tuple[Image, ...]:
        """The images that can be measured; all records of the others fail, and means are without them."""
        return tuple(image for image in self.images if image.problem is None)

    @property
    def conversions(self) -> dict[str, str]:
        """ "dataset/image" of each converted picture -> what it was, and the rules."""
        converted = ((i.name, i.oddity) for i in self.images if i.convert and i.oddity)
        return {f"{self.name}/{name}": f"{oddity.what}: {oddity.rules_text}" for name, oddity in converted}


def find_dataset(
    name: str,
    data_root: Path | None = None,
    *,
    limit: int | None = None,
    crop: int | None = None,
    convert: bool = False,
) -> Dataset:
    """The data set called `name` (lic-bench list datasets), or the images of a folder and of those inside it.

    They are searched in data_root, else in $LIC_BENCH_DATA and the user cache. limit: only the first images. crop: only
    the central crop x crop pixels of each. convert: pictures of other kinds are made 8-bit RGB where there are rules
    for it. An image that cannot be used is listed, with its `problem`.
    Raises UserError for an unknown name, data that is not there, a folder without images or without any that can be
    used, limit or crop under 1.
    """
    for option, value in (("limit", limit), ("crop", crop)):
        if value is not None and value < 1:
            raise UserError(f"{option} {value}: allowed is 1 or more.")
    if name == "sample":
        return _sample_dataset(limit, crop)
    if name == "photos":
        return _photos_dataset(limit, crop)
    if name in DATASETS:
        return _dataset_in(name, _find_folder(name, data_root), limit, crop, convert=convert)
    folder = _plain_folder(name)
    known = folder.name.lower() if folder.name.lower() in DATASETS else printable(folder.name)
    if known in ("sample", "photos"):
        raise UserError(f"{folder} has the name of the data set {known!r}, which is no folder; rename the folder.")
    return _dataset_in(known, folder, limit, crop, convert=convert)


def data_folders(data_root: Path | None) -> list[Path]:
    """The folders in which data sets are searched: data_root if given, else $LIC_BENCH_DATA and the user cache."""
    if folder := named_folder(data_root):
        return [folder]
    named = named_folder(os.environ.get("LIC_BENCH_DATA"))
    return [*([named] if named else []), user_cache_path("lic-bench") / "data"]


def _sample_dataset(limit: int | None, crop: int | None) -> Dataset:
    images = [
        Image(name=name, path=None, width=sample.WIDTH, height=sample.HEIGHT, sha256=known["pixels_sha256"], seed=seed)
        for seed, (name, known) in zip(sample.SEEDS, read_manifest("sample").items(), strict=True)
    ]
    cropped = tuple(_with_crop(image, crop) for image in images[:limit])
    return Dataset(name=_cropped_name("sample", crop), images=cropped, found=len(images))


def _photos_dataset(limit: int | None, crop: int | None) -> Dataset:
    """Those pictures of the package scikit-image that are named in the manifest."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise UserError(f"Data set 'photos' is not there. Get it: {DATASETS['photos'].how}.")
    folder = Path(package.origin).parent / "data"
    return _dataset_of("photos", folder, [folder / file for file in read_manifest("photos")], limit, crop)


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
    """The first folder called `name` that holds an image: a data folder, or one at any depth below."""
    roots = data_folders(data_root)
    for root in roots:
        for folder in _folders_called(name, root):
            if next(image_files(folder), None):
                return folder
    searched = ", ".join(str(root / name) for root in roots)
    hint = "" if data_root else "; or say where the images are with --data-root or $LIC_BENCH_DATA"
    raise UserError(f"Data set {name!r} is not there. Searched: {searched}. Get it: lic-bench fetch {name}{hint}.")


def _folders_called(name: str, root: Path) -> Iterator[Path]:
    if not root.is_dir():
        return
    if root.resolve().name.lower() == name:
        yield root
    for folder, subfolders, _ in _walk_visible(root):
        yield from (folder / subfolder for subfolder in subfolders if subfolder.lower() == name)


def image_files(folder: Path) -> Iterator[Path]:
    """Every image file in the folder and below, links to folders included, that is not hidden.

    A folder to which several ways lead counts once. Raises UserError for one that cannot be read.
    """
    for parent, _, files in _walk_visible(folder, through_links=True):
        for file in files:
            if Path(file).suffix.lower() in SUFFIXES and not file.startswith("."):
                yield parent / file


def _walk_visible(folder: Path, *, through_links: bool = False) -> Iterator[tuple[Path, list[str], list[str]]]:
    """As os.walk in alphabetical order, without hidden folders and those that archivers leave behind (__MACOSX)."""
    walked: set[tuple[int, int]] = set()
    _is_new(folder, walked)
    for parent, subfolders, files in os.walk(
        folder, onerror=_refuse if through_links else None, followlinks=through_links
    ):
        visible = sorted(name for name in subfolders if not name.startswith((".", "__")))
        subfolders[:] = [name for name in visible if _is_new(Path(parent, name), walked)]
        yield Path(parent), subfolders, sorted(files)


def _is_new(folder: Path, walked: set[tuple[int, int]]) -> bool:
    """Whether no other way has led to this folder; it is noted. Links may lead to where they are."""
    try:
        info = folder.stat()
    except OSError:
        return True  # os.walk says what is wrong with it
    identity = info.st_dev, info.st_ino
    known = identity in walked
    walked.add(identity)
    return not known


def _refuse(error: OSError) -> None:
    raise UserError(f"Folder {error.filename} cannot be read ({error.strerror}); make it readable or take it away.")


def _dataset_in(name: str, folder: Path, limit: int | None, crop: int | None, *, convert: bool) -> Dataset:
    files = list(image_files(folder))
    if not files:
        raise UserError(f"{folder} holds no images; allowed are {', '.join(sorted(SUFFIXES))} files there or below.")
    return _dataset_of(name, folder, files, limit, crop, convert=convert)


def _dataset_of(
    name: str, folder: Path, files: list[Path], limit: int | None, crop: int | None, *, convert: bool = False
) -> Dataset:
    """The images in these files below a folder."""
    names = [file.name for file in files]
    if len(set(names)) < len(names):  # two folders have files of one name
        names = [file.relative_to(folder).as_posix() for file in files]
    chosen = sorted(zip(names, files, strict=True))[:limit]
    uncropped = [image_of_file(file, printable(label), convert=convert) for label, file in chosen]
    if all(image.problem for image in uncropped):
        raise UserError(f"Data set {name!r} has no image that can be used; the first: {uncropped[0].problem}")
    of_known = check_images(name, folder, len(files), uncropped) if name in DATASETS else ()
    return Dataset(
        name=_cropped_name(name, crop),
        images=tuple(_with_crop(image, crop) for image in uncropped),
        warnings=(*_unusable(name, uncropped), *of_known),
        found=len(files),
    )


def _unusable(name: str, images: Sequence[Image]) -> Iterator[str]:
    """One line if some images cannot be used."""
    if problems := [image.problem for image in images if image.problem]:
        yield f"{name}: measured without {len(problems)} of {len(images)} images, the first: {problems[0]}"


def _with_crop(image: Image, crop: int | None) -> Image:
    if crop is None or image.width is None or image.height is None:
        return replace(image, crop=crop)
    return replace(image, width=min(image.width, crop), height=min(image.height, crop), crop=crop)


def _cropped_name(name: str, crop: int | None) -> str:
    return name if crop is None else f"{name}@{crop}"


def name_without_crop(name: str) -> str:
    """The name of the data set, without the size of a crop: "kodak@256" -> "kodak"."""
    return name.partition("@")[0]
