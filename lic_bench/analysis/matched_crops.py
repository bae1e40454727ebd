"""Original and reconstructions side by side at about equal rate, as figures 12 and 13 of the LALIC paper: from a run.

A run with --save pictures holds all that is needed; to code now is to make such a run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from lic_bench.analysis.networks import panel_title
from lic_bench.codecs.registry import choose_codecs
from lic_bench.codecs.ycbcr import Pixels
from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset, find_dataset
from lic_bench.images.image_file import Image, read_image, read_pixels
from lic_bench.measurement.distortion import psnr_db
from lic_bench.run.matched_sizes import Target
from lic_bench.run.options import Options
from lic_bench.run.preparation import prepare_session
from lic_bench.store.record_log import records_of
from lic_bench.store.records import Record
from lic_bench.store.run_json import read_run_json
from lic_bench.store.saved_files import saved_path
from lic_bench.system.option_lists import split_list

SIDE = 128  # of the window that is chosen, in pixels


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a picture: its upper left pixel, width and height."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def parsed(cls, text: str) -> "Window":
        """Of "x,y,w,h". Raises UserError."""
        numbers = text.split(",")
        if len(numbers) != 4 or not all(number.strip().isdecimal() for number in numbers):
            raise UserError(f"--window {text}: write x,y,w,h in pixels, as 300,120,128,128.")
        window = cls(*map(int, numbers))
        if not window.width or not window.height:
            raise UserError(f"--window {text}: width and height are at least 1.")
        return window

    def of(self, pixels: Pixels) -> Pixels:
        """[H, W, 3] -> [height, width, 3]. Raises UserError where it is not inside."""
        height, width = pixels.shape[:2]
        if self.x + self.width > width or self.y + self.height > height:
            place = f"{self.x},{self.y},{self.width},{self.height}"
            raise UserError(f"--window {place} is not inside of a picture of {width} x {height} pixels.")
        return pixels[self.y : self.y + self.height, self.x : self.x + self.width]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """A decoded image. psnr_db, crop_psnr_db: of the whole image and of the window; None where it is infinite."""

    record: Record
    title: str
    pixels: Pixels
    bpp: float
    psnr_db: float | None
    crop_psnr_db: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedImage:
    """An image and its reconstructions, the one whose rate the others meet first."""

    dataset: str
    name: str
    original: Pixels
    window: Window
    reconstructions: tuple[Reconstruction, ...]


def coding_options(options: Options) -> tuple[Options, Target]:
    """The options of a run in OUT/run that codes what is to be shown, and whose rate is met.

    That is --match, else the middle of the first codec's ladder. Without --qualities the codec to be met is coded at
    no other quality; other learned codecs have their ladders, classical ones search their quality.
    Raises UserError for bad input.
    """
    coding = replace(options, out=options.out / "run", limit=options.limit or 1, measure="quality", save="pictures")
    specs = choose_codecs(options.codecs)
    if options.match is None:
        plan = prepare_session(replace(coding, save=None), one_quality=True).config
        target = Target(specs[0].name, plan.qualities[specs[0].name][0])
    else:
        target = Target.parsed(options.match)
    searching = any(spec.kind == "classical" and spec.name != target.codec for spec in specs)
    qualities = options.qualities or (str(target).replace(":", "="),)
    return replace(coding, match=str(target) if searching else None, qualities=qualities), target


def matched_images(
    run: Path, options: Options, window: Window | None = None, target: Target | None = None
) -> list[MatchedImage]:
    """Of every image that the run has and the options name: what its codecs made of it, nearest in rate to the target.

    options: codecs ("": all of the run), datasets, data_root, limit. target: None: the first codec, at the middle of
    its qualities in the run. window: None: in each image the most detailed one.
    Raises UserError for a run without saved pictures, and for a target or images that it does not have.
    """
    records = [record for record in records_of(run) if record.status == "ok" and record.saved_picture]
    if not records:
        raise UserError(f"{run} keeps no pictures; add --save pictures to its run.")
    there = list(dict.fromkeys(record.codec for record in records))
    codecs = [spec.name for spec in choose_codecs(options.codecs)] if options.codecs else there
    target = target or _middle(codecs[0], records)
    codecs = list(dict.fromkeys((target.codec, *codecs)))
    found = []
    for dataset in _datasets(run, options):
        for image in dataset.usable:
            chosen = _nearest(
                codecs, target, [r for r in records if (r.dataset, r.image) == (dataset.name, image.name)]
            )
            if chosen:
                found.append(_matched(run, dataset.name, image, chosen, window))
    if not found:
        raise UserError(f"{run} has no image of --datasets {options.datasets} by {target}; give others, or --match.")
    return found


def most_detailed_window(pixels: Pixels, side: int = SIDE) -> Window:
    """The side x side window of [H, W, 3] whose luma has the largest mean gradient; a shorter side is taken whole."""
    height, width = (min(side, whole) for whole in pixels.shape[:2])
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    steps = np.hypot(np.diff(luma, axis=0, append=luma[-1:]), np.diff(luma, axis=1, append=luma[:, -1:]))
    means: NDArray[np.float64] = uniform_filter(steps, (height, width), mode="constant")
    top, left = height // 2, width // 2  # of a window's middle, where its mean is
    inside = means[top : top + luma.shape[0] - height + 1, left : left + luma.shape[1] - width + 1]
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    return Window(int(x), int(y), width, height)


def _middle(codec: str, records: Sequence[Record]) -> Target:
    qualities = sorted({record.quality for record in records if record.codec == codec})
    if not qualities:
        there = ", ".join(dict.fromkeys(record.codec for record in records))
        raise UserError(f"The run keeps no pictures of {codec!r}; it has {there}.")
    return Target(codec, qualities[len(qualities) // 2])


def _datasets(run: Path, options: Options) -> list[Dataset]:
    """Those that the options name, cropped and converted as in the run."""
    config = read_run_json(run / "run.json").get("config") or {}
    find = partial(find_dataset, limit=options.limit, crop=config.get("crop"), convert=bool(config.get("convert")))
    return [find(name, options.data_root) for name in split_list(options.datasets, "--datasets")]


def _nearest(codecs: Sequence[str], target: Target, records: Sequence[Record]) -> list[Record]:
    """Of each codec that has some the record of one image nearest in size to the target's; [] without a target's."""
    met = next((r for r in records if (r.codec, r.quality) == (target.codec, target.quality)), None)
    if met is None:
        return []
    wanted = _size(met)
    by_codec = [[r for r in records if r.codec == codec] for codec in codecs if codec != target.codec]
    return [met, *(min(rows, key=lambda row: abs(log(_size(row) / wanted))) for rows in by_codec if rows)]


def _size(record: Record) -> int:
    return max(1, record.payload_bytes or 0)


def _matched(run: Path, dataset: str, image: Image, records: Sequence[Record], window: Window | None) -> MatchedImage:
    original = read_image(image)
    window = window or most_detailed_window(original)
    return MatchedImage(
        dataset=dataset,
        name=image.name,
        original=original,
        window=window,
        reconstructions=tuple(_reconstruction(run, image, record, original, window) for record in records),
    )


def _reconstruction(run: Path, image: Image, record: Record, original: Pixels, window: Window) -> Reconstruction:
    """What the run keeps of the record. Raises UserError where the image or the picture are not those of the run."""
    if record.image_sha256 != image.sha256:
        raise UserError(f"{image.name} is another picture than the one of that name in {run}; give its folder.")
    path = saved_path(run, "pictures", record.saved_picture or "")
    if not path.exists():
        raise UserError(f"{path} is not there any more; `lic-bench run --fresh` makes it again.")
    pixels = read_pixels(path)
    return Reconstruction(
        record=record,
        title=panel_title(record.codec, record.quality, record.weights),
        pixels=pixels,
        bpp=8 * (record.payload_bytes or 0) / (record.width * record.height),
        psnr_db=_psnr(original, pixels),
        crop_psnr_db=_psnr(window.of(original), window.of(pixels)),
    )


def _psnr(original: Pixels, pixels: Pixels) -> float | None:
    """In dB, as a Record's psnr_db."""
    return psnr_db(float(np.mean((original.astype(np.float64) - pixels) ** 2)))
