"""The sizes of what was decoded: of a CSV file, or of the files that lie beside the pictures."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from lic_bench.errors import UserError
from lic_bench.run.decoded_elsewhere.picture_names import Name
from lic_bench.store.records import LARGEST

KEYS, SIZES = ("codec", "quality", "image"), ("bytes", "bpp")
LOSSLESS = (".png", ".ppm", ".pgm", ".pnm", ".bmp", ".tif", ".tiff")  # never a bitstream themselves
BITSTREAMS = (
    *(".bin", ".bits", ".jpg", ".jpeg", ".webp", ".avif", ".heic", ".jxl", ".jp2", ".j2k", ".bpg"),
    *(".hevc", ".265", ".vvc", ".266", ".obu", ".ivf", ".cool"),
)


class Size(NamedTuple):
    """Of all that a decoder needs, headers too: in bytes, or in bits per pixel."""

    bytes: int | None
    bpp: float | None = None

    def in_bytes(self, pixels: int) -> int:
        """Bits per pixel are rounded to whole bytes."""
        return self.bytes if self.bytes is not None else round((self.bpp or 0) * pixels / 8)


def read_sizes(path: Path, images: Mapping[str, str]) -> dict[Name, Size]:
    """The sizes in a CSV file with the columns codec, quality, image, and bytes or bpp; bytes count if both are there.

    images: what an image may be called -> its name; what is not among them stays as it is.
    Raises UserError for what is no such file, and for two lines of one picture.
    """
    header, rows = _rows(path)
    lacking = [name for name in KEYS if name not in header]
    lacking += [] if set(SIZES) & set(header) else ["bytes' or 'bpp"]
    if lacking:
        raise UserError(
            f"{path} has no column '{lacking[0]}'; it needs codec, quality, image, and bytes or bpp. "
            f"It has: {', '.join(header) or 'none'}."
        )
    sizes: dict[Name, Size] = {}
    for line, row in rows:
        where = f"{path}, line {line}"
        name = Name(row["codec"], _quality(row["quality"], where), images.get(row["image"], row["image"]))
        if name in sizes:
            raise UserError(
                f"{where}: {name.codec} quality {name.quality} of {name.image} is there twice; give it once."
            )
        sizes[name] = _size(row, where)
    return sizes


def sizes_beside(pictures: Mapping[Name, Path]) -> tuple[dict[Name, Size], dict[Name, list[Path]]]:
    """The sizes of the bitstreams beside the pictures, and who has several; without one: in neither.

    A bitstream has the picture's name and an ending of BITSTREAMS. A picture that is not LOSSLESS is its own.
    """
    sizes, several = {}, {}
    for name, picture in pictures.items():
        files = [picture] if picture.suffix.lower() not in LOSSLESS else _beside(picture)
        if len(files) > 1:
            several[name] = files
        elif files:
            sizes[name] = Size(files[0].stat().st_size)
    return sizes, several


def _beside(picture: Path) -> list[Path]:
    return [file for ending in BITSTREAMS if (file := picture.with_suffix(ending)).is_file()]


def _rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The header, and the lines as (number, cells by name)."""
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}; give a CSV file to --sizes.") from None
    except (UnicodeDecodeError, csv.Error):
        raise UserError(f"{path} is no CSV file in UTF-8; give one to --sizes.") from None
    header = [name.strip() for name in lines[0]] if lines else []
    rows = []
    for number, cells in enumerate(lines[1:], 2):
        if not cells:
            continue
        if len(cells) != len(header):
            raise UserError(
                f"{path}, line {number}: {len(cells)} cells, the header has {len(header)}; give one of each."
            )
        rows.append((number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    return header, rows


def _quality(text: str, where: str) -> int:
    if not text.isdecimal():
        raise UserError(f"{where}: quality = {text!r} is no whole number; give the one in the names of the pictures.")
    return int(text)


def _size(row: Mapping[str, str], where: str) -> Size:
    name = next(name for name in SIZES if name in row)
    value = _number(row[name])
    if not 0 < value < LARGEST or (name == "bytes" and value != int(value)):
        allowed = "a whole number above 0" if name == "bytes" else "a number above 0"
        raise UserError(f"{where}: {name} = {row[name]!r}; allowed is {allowed}.")
    return Size(int(value)) if name == "bytes" else Size(None, value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
