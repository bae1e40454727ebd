"""A picture's file: opening it with one line for whatever is wrong, its hash, whether it is whole."""

from __future__ import annotations

import hashlib
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lic_bench.errors import UserError
from lic_bench.images.oddity import Oddity
from lic_bench.images.png_rows import png_is_whole

if TYPE_CHECKING:
    from PIL import Image as pil

FORMATS = ("PNG", "PPM", "BMP", "TIFF", "WEBP", "JPEG")  # Pillow's names; others of its readers run programs
AGAIN = "get the file again or remove it"


class PictureError(UserError):
    """A file that is no whole, still, 8-bit RGB picture. oddity: what it is instead."""

    def __init__(self, path: Path, oddity: Oddity) -> None:
        self.path, self.oddity = path, oddity
        super().__init__(f"{path} {oddity.fault}; {oddity.advice}.")

    def __reduce__(self) -> tuple[type[PictureError], tuple[Path, Oddity]]:
        """As it goes from one process to another."""
        return PictureError, (self.path, self.oddity)


@contextmanager
def open_picture(path: Path) -> Iterator[pil.Image]:
    """The picture, its pixels not yet decoded. What Pillow raises inside becomes a PictureError."""
    from PIL import Image as pil
    from PIL import UnidentifiedImageError

    _check_plain_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large photographs and odd metadata are fine
            with pil.open(path, formats=FORMATS) as picture:
                yield picture
    except UserError:
        raise
    except UnidentifiedImageError:
        fault = "is an empty file" if path.stat().st_size == 0 else "is no image of a format that is read"
        raise _broken(path, fault, "allowed is 8-bit RGB (PNG, PPM, ...): get it again or remove it") from None
    except pil.DecompressionBombError:
        raise _broken(path, "has more than 178 million pixels", "split it into parts of allowed size") from None
    except Exception as error:  # of a damaged file Pillow's readers raise whatever they stumble over
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise _broken(path, f"cannot be decoded ({reason})") from None


def sha256_of_file(path: Path) -> str:
    """In hexadecimal, of its bytes. Raises PictureError if it cannot be read."""
    _check_plain_file(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _broken(path, f"cannot be read ({error.strerror})") from None


def load_whole(picture: pil.Image, path: Path) -> int:
    """Decode the picture, to find damage, and return its `orientation_of`.

    Raises what Pillow raises if the file is damaged; of a PNG its checksums and its number of rows count too.
    """
    if picture.format != "PNG":
        picture.load()
        return orientation_of(picture)
    picture.verify()  # after which it cannot be decoded
    with open_picture(path) as again:
        again.load()
        orientation = orientation_of(again)
    if not png_is_whole(path):
        raise _broken(path, "lacks a part of its rows")
    return orientation


def orientation_of(picture: pil.Image) -> int:
    """Which way up it is, as EXIF counts it, 1 to 8; 1: as stored, or not said. TIFF: always 1, as its reader turns it.

    The pixels of a PNG are decoded for it, as this may stand behind them.
    """
    value = picture.getexif().get(0x0112) if picture.format != "TIFF" else None
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _check_plain_file(path: Path) -> None:
    """Raise PictureError for what is not there, and for named pipes and devices, which may never end."""
    try:
        plain = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise _broken(path, f"cannot be read ({error.strerror})") from None
    if not plain:
        raise _broken(path, "is no plain file but a named pipe, a device or the like", "remove it")


def _broken(path: Path, fault: str, advice: str = AGAIN) -> PictureError:
    return PictureError(path, Oddity(fault=fault, reason="cannot be read", advice=advice))
