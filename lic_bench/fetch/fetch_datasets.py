"""Downloading the public data sets: files of known hashes, or the images of an archive, whose hash is then noted."""

import json
import shutil
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar
from urllib.parse import urlsplit

from lic_bench.errors import UserError, unknown
from lic_bench.fetch.http_requests import check_address
from lic_bench.fetch.resumable_download import Progress, download
from lic_bench.images.datasets import SUFFIXES, data_folders, find_dataset
from lic_bench.images.image_file import image_of_file
from lic_bench.images.known_datasets import DATASETS, is_original, read_manifest
from lic_bench.system.whole_file import write_whole

LOCK = ".lic-bench-fetch.json"
MOST_BYTES = 1 << 32  # of an archive, and of what it unpacks to; the data sets have half a gigabyte at most
MOST_FILES = 10_000  # in an archive
TESTIMAGES = "https://downloads.sourceforge.net/project/testimages"
URLS = {  # of the folder of the files in the manifest; without a manifest of one archive
    "kodak": "http://r0k.us/graphics/kodak/kodak/",
    "clic": "https://data.vision.ee.ethz.ch/cvl/clic/professional_valid_2020.zip",
    # Made after the naming of the project's file area, not verified; where it has moved, --url takes the new address.
    "tecnick": f"{TESTIMAGES}/SAMPLING/8BIT/RGB/SAMPLING_8BIT_RGB_1200x1200.tar.bz2",
}


Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """folder: where the images are. downloaded: files that were fetched now. warnings: as of `find_dataset`."""

    folder: Path
    images: int
    downloaded: int
    warnings: tuple[str, ...]


def fetch_dataset(
    name: str, destination: Path | None = None, base_url: str | None = None, progress: Progress | None = None
) -> Fetched:
    """Bring a data set to destination/name; what is there already and right stays.

    destination: a data root; None: $LIC_BENCH_DATA, else the user cache. base_url: instead of the known address, the
    folder of the files (kodak) or the archive (clic, tecnick). progress(file, bytes so far, bytes in all or None).
    Raises UserError where a download, its check or the unpacking fails; running it again resumes.
    """
    if name == "sample":
        raise UserError("Data set 'sample' is built in: there is nothing to fetch.")
    if name == "photos":
        raise UserError(f"Data set 'photos' comes with a package: {DATASETS[name].how}.")
    if name not in URLS:
        raise unknown("name to fetch", name, [*URLS, "weights", "streams"])
    url = base_url or URLS[name]
    check_address(url)
    root = data_folders(destination)[0]
    folder = root / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fetch_from = _fetch_files if read_manifest(name) else _fetch_archive
        downloaded = fetch_from(url, name, folder, progress)
    except OSError as error:
        raise UserError(
            f"Cannot write to {folder}: {error.strerror}; make room or choose another --data-root."
        ) from None
    dataset = find_dataset(name, root)
    return Fetched(folder=folder, images=dataset.found, downloaded=downloaded, warnings=dataset.warnings)


def _fetch_files(url: str, name: str, folder: Path, progress: Progress | None) -> int:
    """Download the files that are missing or wrong; returns how many."""
    known = read_manifest(name)
    missing = {file: e for file, e in known.items() if not is_original(image_of_file(folder / file, file), e)}
    for file, entry in missing.items():
        address = f"{url.rstrip('/')}/{file}"
        download(address, folder / file, most=entry["bytes"], sha256=entry["sha256"], progress=progress)
    return len(missing)


def _fetch_archive(url: str, name: str, folder: Path, progress: Progress | None) -> int:
    """Download and unpack the archive unless the data set is complete; returns how many files were downloaded.

    The hash of the first archive that made it complete is noted, and a later one must have it.
    """
    if _is_complete(name, folder):
        return 0
    archive = folder / (Path(urlsplit(url).path).name or f"{name}.archive")
    sha256 = download(url, archive, most=MOST_BYTES, progress=progress)
    try:
        known = _known_hashes(url, sha256, folder / LOCK)
        _unpack(archive, folder)
    finally:
        archive.unlink(missing_ok=True)
    trusted = {url: sha256} if _is_complete(name, folder) else {}
    write_whole(folder / LOCK, json.dumps(known | trusted, indent=1))
    return 1


def _is_complete(name: str, folder: Path) -> bool:
    try:
        return len(find_dataset(name, folder).usable) >= DATASETS[name].count
    except UserError:
        return False


def _known_hashes(url: str, sha256: str, lock: Path) -> dict[str, str]:
    """address -> hash of its first download. Raises UserError if that of `url` is noted and is not `sha256`."""
    try:
        known: dict[str, str] = dict(json.loads(lock.read_text())) if lock.exists() else {}
    except (ValueError, TypeError):
        raise UserError(f"{lock} is damaged; remove it to trust the next download.") from None
    if known.get(url, sha256) != sha256:
        raise UserError(
            f"{url} has changed: sha256 {sha256[:12]}..., the first download had {known[url][:12]}...; "
            f"remove {lock} to accept the new file."
        )
    return known


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack into a folder of its own first, so that a damaged archive leaves nothing among the images."""
    aside = folder / ".unpacking"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        _extract_images(archive, aside)
        shutil.copytree(aside, folder, dirs_exist_ok=True, copy_function=shutil.move)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _extract_images(archive: Path, folder: Path) -> None:
    """Write the image files of a zip or tar archive below `folder`, in their own folders.

    Raises UserError for another kind of file, a damaged archive, a name that leads out of the folder, no images, and
    for more than MOST_FILES or MOST_BYTES.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, stream in _images_in(archive):
            target = folder / _safe_path(name, archive)
            target.parent.mkdir(parents=True, exist_ok=True)
            with stream as source, target.open("wb") as out:
                shutil.copyfileobj(source, out)
    except UserError:
        raise
    except Exception as error:  # every kind of compression has its own
        raise UserError(f"{archive.name} cannot be unpacked ({error}); fetch it again, or make room.") from None
    if not any(folder.iterdir()):
        raise UserError(f"{archive.name} holds no images; give the address of the right archive with --url.")


def _images_in(archive: Path) -> Iterator[tuple[str, AbstractContextManager[IO[bytes]]]]:
    """Name and content of every image; links and devices are left out."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as pack:
            sizes = ((entry.filename, entry.file_size, entry) for entry in pack.infolist())
            for entry in list(_bounded(archive, sizes)):  # all sizes are known before anything is unpacked
                if not entry.is_dir() and _is_image(entry.filename):
                    yield entry.filename, pack.open(entry)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tape:
            for member in _bounded(archive, ((member.name, member.size, member) for member in tape)):
                stream = tape.extractfile(member) if member.isfile() and _is_image(member.name) else None
                if stream is not None:
                    yield member.name, stream
    else:
        raise UserError(f"{archive.name} is neither a zip nor a tar archive; give the right address with --url.")


def _bounded(archive: Path, entries: Iterable[tuple[str, int, Entry]]) -> Iterator[Entry]:
    """The entries of an archive, given with name and size. Raises UserError for an image listed twice, and at once
    where they are too many or too large.
    """
    names, total = set(), 0
    for count, (name, size, entry) in enumerate(entries, 1):
        total += size
        if name in names and _is_image(name):
            raise UserError(f"{archive.name} lists {name!r} twice; give the address of the right archive with --url.")
        if count > MOST_FILES or total > MOST_BYTES:
            raise UserError(
                f"{archive.name} unpacks to more than {MOST_FILES} files or {MOST_BYTES} bytes, which no data set has; "
                "give the address of the right archive with --url."
            )
        names.add(name)
        yield entry


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith("__") or (part.startswith(".") and part != "..") for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


def _safe_path(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise UserError(
            f"{archive.name} holds {name!r}, which leads out of its folder; it was not unpacked any further."
        )
    return path
