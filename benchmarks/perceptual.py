"""CPU seconds of each perceptual metric, one thread, on pictures of a data set beside their JPEGs.

    python benchmarks/perceptual.py [--data-root DIR] [--dataset kodak] [--limit 2] [--quality 40]

Seconds are those of this process and of FFmpeg, which wait for nobody on a busy machine. The last row is all of them in
one call, as a run takes them: libvmaf's share one call of FFmpeg.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image

from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import read_image
from lic_bench.measurement.perceptual.colour import Pixels
from lic_bench.measurement.perceptual.measuring import Score, find_implementations, measure
from lic_bench.measurement.perceptual.registry import METRICS, WITHOUT_WEIGHTS

REPEATS = 3


def as_jpeg(pixels: Pixels, quality: int) -> Pixels:
    """The picture coded and decoded by Pillow."""
    coded = io.BytesIO()
    Image.fromarray(pixels).save(coded, "JPEG", quality=quality)
    return np.array(Image.open(coded))


def timed(pair: tuple[Pixels, Pixels], names: Sequence[str]) -> tuple[dict[str, Score], float]:
    """The scores of a pair, and the median of the CPU seconds."""
    seconds = []
    for _ in range(REPEATS):
        start = sum(os.times()[:4])
        (scores,) = measure([pair], names)
        seconds.append(sum(os.times()[:4]) - start)
    return scores, median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--dataset", default="kodak")
    parser.add_argument("--limit", type=int, default=2)
    parser.add_argument("--quality", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    there, missing = find_implementations(WITHOUT_WEIGHTS, {})
    images = find_dataset(options.dataset, options.data_root).images[: options.limit]
    originals = [read_image(image) for image in images]
    pairs = [(original, as_jpeg(original, options.quality)) for original in originals]
    print("metric".ljust(22), *(image.name.rjust(20) for image in images), " by")
    for names in (*([name] for name in there), list(there)):
        label = METRICS[names[0]].label if len(names) == 1 else "all together"
        cells = []
        for scores, seconds in (timed(pair, names) for pair in pairs):
            value = scores[names[0]].value if len(names) == 1 else None
            cells.append(("" if value is None else f"{value:.4f}") + f"{seconds:8.2f} s")
        print(label.ljust(22), *(cell.rjust(20) for cell in cells), "", there[names[0]] if len(names) == 1 else "")
    for name, problem in missing.items():
        print(f"{name}: {problem}")


if __name__ == "__main__":
    main()
