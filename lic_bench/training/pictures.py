"""The pictures to train on: every one in a folder that can be used, what was left out and why, and their hash."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lic_bench.errors import UserError, printable
from lic_bench.images.datasets import image_files
from lic_bench.images.image_file import picture_size


@dataclass(frozen=True, slots=True)
class Picture:
    """path: relative to the folder. width, height: in pixels. sha256: of the file's bytes."""

    path: str
    width: int
    height: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """folder: where they are. left_out: one line for each file that is no 8-bit RGB picture, nor made one."""

    folder: Path
    pictures: tuple[Picture, ...]
    left_out: tuple[str, ...]

    def of_side(self, side: int) -> list[Picture]:
        """The pictures of which a square of `side` pixels can be cut. Raises UserError if there is none."""
        if chosen := [picture for picture in self.pictures if min(picture.width, picture.height) >= side]:
            return chosen
        largest = max(min(picture.width, picture.height) for picture in self.pictures)
        raise UserError(f"{self.folder} has no picture of {side}x{side} pixels, which crops need; {_advice(largest)}.")

    @property
    def sha256(self) -> str:
        """In hexadecimal, of the paths and contents of all pictures."""
        lines = "".join(f"{picture.sha256} {picture.path}\n" for picture in self.pictures)
        return hashlib.sha256(printable(lines).encode()).hexdigest()


def find_pictures(folder: Path, *, convert: bool = False) -> PictureFolder:
    """Every picture in the folder and below, in order of their paths; all files are read once, for their hashes.

    convert: those of other kinds too, where there are rules that make them 8-bit RGB.
    Raises UserError if the folder is not there or has no picture that can be used.
    """
    if not folder.is_dir():
        raise UserError(f"--data {folder}: no such folder; give a folder of pictures (PNG, JPEG, WebP, ...).")
    pictures, left_out = [], []
    for path in sorted(image_files(folder)):
        try:
            width, height = picture_size(path, convert=convert)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except UserError as error:
            left_out.append(str(error))
        except OSError as error:
            left_out.append(f"{path} cannot be read: {error.strerror}.")
        else:
            pictures.append(Picture(path.relative_to(folder).as_posix(), width, height, digest))
    if not pictures:
        reason = f"the first of {len(left_out)} files: {left_out[0]}" if left_out else "there is no picture file"
        raise UserError(f"--data {folder} has no picture to train on; {reason}")
    return PictureFolder(folder, tuple(pictures), tuple(left_out))


def smaller_than(pictures: Sequence[Picture], side: int) -> int:
    """How many of them have a side shorter than `side` pixels."""
    return sum(min(picture.width, picture.height) < side for picture in pictures)


def _advice(largest: int) -> str:
    """What to do with pictures whose largest square has this side; the last stage has crops of twice --crop."""
    side = 64 * (largest // 128)
    return f"write --crop {side}, as the last stage has crops of twice that" if side else "give larger pictures"
