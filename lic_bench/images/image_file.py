"""One image of a data set: its size and hash, and its pixels, or one line that says why it cannot be used."""

from __future__ import annotations

import hashlib
import re
import shlex
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lic_bench.errors import UserError
from lic_bench.images.png_rows import png_is_whole
from lic_bench.images.sample_pictures import draw_sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image as pil

FORMATS = ("PNG", "PPM", "BMP", "TIFF", "WEBP", "JPEG")  # Pillow's names; others of its readers run programs
KINDS = {
    "1": "black and white",
    "L": "greyscale",
    "LA": "greyscale with alpha",
    "P": "a palette image",
    "PA": "a palette image with alpha",
    "RGBA": "RGB with alpha",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "LAB": "CIE Lab",
    "I;16": "16-bit greyscale",
    "I;16B": "16-bit greyscale",
    "I": "32-bit greyscale",
    "F": "floating point",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image, without its pixels.

    name: unique within its data set. path: its file; None for a sample picture, made from `seed`.
    width, height: in pixels, after the crop; None if the header cannot be read.
    sha256: of the file's bytes, or of a sample picture's uncropped pixels; None if the file cannot be read.
    problem: why it cannot be used, in one line; None if it can.
    crop: side of the central square that is used, in pixels; None: the whole image.
    """

    name: str
    path: Path | None
    width: int | None
    height: int | None
    sha256: str | None
    crop: int | None = None
    seed: int | None = None
    problem: str | None = None


def image_of_file(path: Path, name: str) -> Image:
    """The Image of a file, uncropped, from its header and bytes; what cannot be read is None."""
    width = height = digest = problem = None
    try:
        digest = _sha256_of(path)
        with _open_picture(path) as picture:
            width, height = picture.size
            _check_format(picture, path)
            _check_whole(picture, path)
    except UserError as error:  # a listing goes on
        problem = str(error)
    return Image(name=name, path=path, width=width, height=height, sha256=digest, problem=problem)


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, from the header. Raises UserError for anything but a still, 8-bit RGB picture."""
    with _open_picture(path) as picture:
        _check_format(picture, path)
        width, height = picture.size
        return width, height


def read_image(image: Image) -> NDArray[np.uint8]:
    """The pixels, [height, width, 3] uint8 RGB as stored (no colour management, no EXIF rotation), cropped if asked.

    Raises UserError for anything but a whole, still, 8-bit RGB picture.
    """
    if image.problem is not None:
        raise UserError(image.problem)
    if image.path is not None:
        return central_crop(read_pixels(image.path), image.crop)
    if image.seed is None:
        raise UserError(f"{image.name}: an image needs a file or a seed; list images with find_dataset.")
    return central_crop(draw_sample(image.seed).copy(), image.crop)


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """The pixels of a file, [H, W, 3] uint8. Raises UserError as `read_image` does."""
    import numpy as np

    with _open_picture(path) as picture:
        _check_format(picture, path)
        picture.load()
        return np.array(picture, dtype=np.uint8)


def central_crop(pixels: NDArray[np.uint8], crop: int | None) -> NDArray[np.uint8]:
    """The central crop x crop pixels of [H, W, 3]; a shorter side is kept whole, and all for None."""
    if crop is None:
        return pixels
    height, width = (min(side, crop) for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width].copy()


def pixels_sha256(pixels: NDArray[np.uint8]) -> str:
    """sha256 of the RGB bytes in raster order: the same for every lossless file of the same picture."""
    return hashlib.sha256(pixels.tobytes()).hexdigest()


@contextmanager
def _open_picture(path: Path) -> Iterator[pil.Image]:
    """The picture, its pixels not yet decoded. What Pillow raises inside becomes a UserError."""
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
        problem = "is an empty file" if path.stat().st_size == 0 else "is no image of a format that is read"
        raise UserError(f"{path} {problem}; allowed is 8-bit RGB (PNG, PPM, ...): get it again or remove it.") from None
    except pil.DecompressionBombError:
        raise UserError(f"{path} has more than 178 million pixels; split it into parts of allowed size.") from None
    except Exception as error:  # of a damaged file Pillow's readers raise whatever they stumble over
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} cannot be decoded ({reason}); get the file again or remove it.") from None


def _check_plain_file(path: Path) -> None:
    """Raise UserError for what is not there, and for named pipes and devices, which may never end."""
    try:
        plain = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); get the file again or remove it.") from None
    if not plain:
        raise UserError(f"{path} is no plain file but a named pipe, a device or the like; remove it.")


def _sha256_of(path: Path) -> str:
    _check_plain_file(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); get the file again or remove it.") from None


def _check_whole(picture: pil.Image, path: Path) -> None:
    """Raise what Pillow raises if the file is damaged; of a PNG its checksums and its number of rows count too."""
    if picture.format != "PNG":
        picture.load()
        return
    picture.verify()  # after which it cannot be decoded
    with _open_picture(path) as again:
        again.load()
    if not png_is_whole(path):
        raise UserError(f"{path} lacks a part of its rows; get the file again or remove it.")


def _check_format(picture: pil.Image, path: Path) -> None:
    if (frames := getattr(picture, "n_frames", 1)) > 1:
        raise _format_error(path, f"animated or of several pages ({frames} frames)")
    if picture.mode != "RGB":
        kind = f"{KINDS.get(picture.mode, 'not RGB')} (Pillow mode {picture.mode})"
        raise _format_error(path, kind, deep=picture.mode.startswith(("I", "F")))
    if _is_deep(picture, path):
        raise _format_error(path, "RGB with 16 bits per channel", deep=True)


def _is_deep(picture: pil.Image, path: Path) -> bool:
    """Whether the file holds more than 8 bits per channel, which Pillow would drop without a word."""
    if picture.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24] > 8  # the bit depth in the header chunk, always the first
    decoders = [tile[3] for tile in getattr(picture, "tile", ())]
    if picture.format == "PPM":  # ("RGB", largest value); 255 is read by the decoder called "RGB"
        return any(isinstance(settings, tuple) and settings[1] > 255 for settings in decoders)
    return any(";16" in str(settings) for settings in decoders)


def _format_error(path: Path, kind: str, *, deep: bool = False) -> UserError:
    """What came, and the command that converts it. deep: Pillow would not keep its values."""
    name, new = path.name, f"{path.stem}-rgb.png"
    code = f"from PIL import Image; Image.open({name!r}).convert('RGB').save({new!r})"
    fix = 'python -c "' + re.sub(r'([\\"$`])', r"\\\1", code) + '"'
    if deep:
        fix = f"magick {shlex.quote(name)} -depth 8 -define png:color-type=2 {shlex.quote(new)}"
    return UserError(f"{path} is {kind}; allowed is 8-bit RGB. Convert it: {fix}")
