"""Getting the public data sets: single files with known hashes, or an archive whose first hash is remembered."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lic_bench.errors import UserError, unknown
from lic_bench.fetch.download import Progress, download
from lic_bench.fetch.image_archives import extract_images
from lic_bench.images.datasets import DATASETS, data_places, find_dataset, manifest
from lic_bench.images.image_file import open_listing, pixels_sha256, read_file

LOCK = ".lic-bench-fetch.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a data set is published. url: a folder of the files in the manifest, or one archive."""

    url: str
    archive: bool = True


TESTIMAGES = "https://downloads.sourceforge.net/project/testimages"

SOURCES = {
    "kodak": Source(url="http://r0k.us/graphics/kodak/kodak/", archive=False),
    "clic": Source(url="https://data.vision.ee.ethz.ch/cvl/clic/professional_valid_2020.zip"),
    # Made after the naming of the project's file area, not verified; where it has moved, --url takes the new address.
    "tecnick": Source(url=f"{TESTIMAGES}/SAMPLING/8BIT/RGB/SAMPLING_8BIT_RGB_1200x1200.tar.bz2"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """folder: where the images are. downloaded: files that were fetched now. warnings: as of `find_dataset`."""

    folder: Path
    images: int
    downloaded: int
    warnings: tuple[str, ...]


def fetch(
    name: str, destination: Path | None = None, base_url: str | None = None, progress: Progress | None = None
) -> Fetched:
    """Bring a data set to destination/name; what is there already and right stays.

    destination: a data root; None: $LIC_BENCH_DATA, else the user cache. base_url: instead of the known address, the
    folder of the files (kodak) or the archive (clic, tecnick). progress(file, bytes so far, bytes in all or None).
    Raises UserError where a download, its check or the unpacking fails; running it again resumes.
    """
    if name == "sample":
        raise UserError("Data set 'sample' is built in: there is nothing to fetch.")
    if name not in SOURCES:
        raise unknown("name to fetch", name, [*SOURCES, "weights"])
    source = SOURCES[name]
    url = base_url or source.url
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError(f"--url {url}: allowed are http:// and https:// addresses.")
    root = data_places(destination)[0]
    folder = root / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        downloaded = _archive(name, url, folder, progress) if source.archive else _files(name, url, folder, progress)
    except OSError as error:
        raise UserError(
            f"Cannot write to {folder}: {error.strerror}; make room or choose another --data-root."
        ) from None
    found = find_dataset(name, root)
    return Fetched(folder=folder, images=found.found, downloaded=downloaded, warnings=found.warnings)


def _files(name: str, url: str, folder: Path, progress: Progress | None) -> int:
    missing = {file: entry for file, entry in manifest(name).items() if not _is_right(folder / file, entry)}
    for file, entry in missing.items():
        download(f"{url.rstrip('/')}/{file}", folder / file, sha256=entry["sha256"], progress=progress)
    return len(missing)


def _is_right(file: Path, entry: dict[str, str]) -> bool:
    if not file.is_file():
        return False
    if open_listing(file, file.name).sha256 == entry["sha256"]:
        return True
    try:
        return pixels_sha256(read_file(file)) == entry["pixels_sha256"]
    except UserError:
        return False


def _archive(name: str, url: str, folder: Path, progress: Progress | None) -> int:
    if _complete(name, folder):
        return 0
    archive = folder / (Path(urlsplit(url).path).name or f"{name}.archive")
    sha256 = download(url, archive, progress=progress)
    try:
        _trust(url, sha256, folder / LOCK)
        _unpack(archive, folder)
    finally:
        archive.unlink(missing_ok=True)
    return 1


def _complete(name: str, folder: Path) -> bool:
    try:
        return find_dataset(name, folder).found >= DATASETS[name].count
    except UserError:
        return False


def _trust(url: str, sha256: str, lock: Path) -> None:
    """The first download from an address is believed; a later one from there has to be the same file."""
    try:
        known = json.loads(lock.read_text()) if lock.exists() else {}
    except ValueError:
        raise UserError(f"{lock} is damaged; remove it to trust the next download.") from None
    if known.get(url, sha256) != sha256:
        raise UserError(
            f"{url} has changed: sha256 {sha256[:12]}..., the first download had {known[url][:12]}...; "
            f"remove {lock} to accept the new file."
        )
    lock.write_text(json.dumps(known | {url: sha256}, indent=1))


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack beside the images and move in when all is well, so that a bad archive leaves nothing."""
    aside = folder / ".unpacking"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        extract_images(archive, aside)
        for item in sorted(aside.iterdir()):
            if item.is_dir():
                shutil.copytree(item, folder / item.name, dirs_exist_ok=True)
            else:
                item.replace(folder / item.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
