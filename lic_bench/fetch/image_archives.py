"""Unpacking the images of a downloaded archive, and nothing but images, into one folder."""

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import IO

from lic_bench.errors import UserError
from lic_bench.images.datasets import SUFFIXES


def extract_images(archive: Path, folder: Path) -> int:
    """Write the image files of a zip or tar archive below `folder`, in their own folders; returns how many.

    Raises UserError for another kind of file, a damaged archive, a name that leads out of the folder, no images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    try:
        for name, stream in _images_in(archive):
            target = folder / _safe_path(name, archive)
            target.parent.mkdir(parents=True, exist_ok=True)
            with stream as source, target.open("wb") as out:
                shutil.copyfileobj(source, out)
            count += 1
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, RuntimeError, OSError) as error:
        raise UserError(f"{archive.name} cannot be unpacked ({error}); fetch it again, or make room.") from None
    if not count:
        raise UserError(f"{archive.name} holds no images; give the address of the right archive with --url.")
    return count


def _images_in(archive: Path) -> Iterator[tuple[str, AbstractContextManager[IO[bytes]]]]:
    """Name and content of every image; links and devices are left out."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as pack:
            for entry in pack.infolist():
                if not entry.is_dir() and _is_image(entry.filename):
                    yield entry.filename, pack.open(entry)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tape:
            for member in tape:
                stream = tape.extractfile(member) if member.isfile() and _is_image(member.name) else None
                if stream is not None:
                    yield member.name, stream
    else:
        raise UserError(f"{archive.name} is neither a zip nor a tar archive; give the right address with --url.")


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
