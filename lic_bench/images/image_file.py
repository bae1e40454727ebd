"""One image of a data set: its size and hash, and its pixels, or one line that says why it cannot be used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lic_bench.errors import UserError
from lic_bench.images.conversion import converted_pixels
from lic_bench.images.oddity import Oddity, oddity_of, turned_oddity
from lic_bench.images.picture_file import PictureError, load_whole, open_picture, orientation_of, sha256_of_file
from lic_bench.images.sample_pictures import draw_sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image, without its pixels.

    name: unique within its data set. path: its file; None for a sample picture, made from `seed`.
    width, height: in pixels, after the crop; None if the header cannot be read.
    sha256: of the file's bytes, or of the uncropped pixels of a sample picture and of one that is converted; None if
        the file cannot be read.
    problem: why it cannot be used, in one line; None if it can.
    oddity: how it differs from a whole, still, 8-bit RGB picture. convert: its pixels are made that.
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
    oddity: Oddity | None = None
    convert: bool = False


def image_of_file(path: Path, name: str, *, convert: bool = False) -> Image:
    """The Image of a file, uncropped, from its header and bytes; what cannot be read is None.

    convert: make 8-bit RGB of it, if there are rules for what it is.
    """
    known: dict[str, Any] = {"width": None, "height": None, "sha256": None}
    try:
        known["sha256"] = sha256_of_file(path)
        with open_picture(path) as picture:
            known["width"], known["height"] = picture.size
            oddity = oddity_of(picture)
            if oddity is None or oddity.rules:
                oddity = turned_oddity(oddity, load_whole(picture, path))
        known["oddity"] = oddity
        _check_readable(oddity, path, convert=convert)
        if oddity and convert:
            pixels = read_pixels(path, convert=True)
            height, width, _ = pixels.shape
            known |= {"convert": True, "sha256": pixels_sha256(pixels), "width": width, "height": height}
    except PictureError as error:  # a listing goes on
        known |= {"problem": str(error), "oddity": error.oddity}
    return Image(name=name, path=path, **known)


def picture_size(path: Path, *, convert: bool = False) -> tuple[int, int]:
    """Width and height in pixels, from the header. Raises PictureError for what `read_pixels` does not read."""
    with open_picture(path) as picture:
        _check_readable(oddity_of(picture), path, convert=convert)
        width, height = picture.size
        return (height, width) if convert and orientation_of(picture) > 4 else (width, height)


def read_image(image: Image) -> NDArray[np.uint8]:
    """The pixels, [height, width, 3] uint8 RGB, cropped if asked; see `read_pixels`.

    Raises UserError for anything but a whole, still picture of 8-bit RGB, or that is made so.
    """
    if image.problem is not None:
        raise UserError(image.problem)
    if image.path is not None:
        return central_crop(read_pixels(image.path, convert=image.convert), image.crop)
    if image.seed is None:
        raise UserError(f"{image.name}: an image needs a file or a seed; list images with find_dataset.")
    return central_crop(draw_sample(image.seed).copy(), image.crop)


def read_pixels(path: Path, *, convert: bool = False) -> NDArray[np.uint8]:
    """The pixels of a file, [H, W, 3] uint8: as stored, without colour management and EXIF rotation (of TIFF with it).

    convert: made so by the rules of `lic_bench.images.oddity`. Raises PictureError for any other picture.
    """
    import numpy as np

    with open_picture(path) as picture:
        oddity = oddity_of(picture)
        _check_readable(oddity, path, convert=convert)
        picture.load()
        if convert and (oddity := turned_oddity(oddity, orientation_of(picture))):
            return converted_pixels(picture, path, oddity.rules)
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


def _check_readable(oddity: Oddity | None, path: Path, *, convert: bool) -> None:
    if oddity and oddity.stops(convert=convert):
        raise PictureError(path, oddity)
