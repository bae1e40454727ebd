"""Hold this VTM against the published Kodak curve, and show which PSNR was published.

    python benchmarks/vtm_check.py --vtm-root VVCSoftware_VTM --data-root /data [--qp 47]

Codes the 24 Kodak images at each QP with the truncating conversion (mode ycbcr8-truncated) and prints the mean bpp and
the mean PSNR by five definitions, beside the published values where this QP was published. A QP takes minutes;
bitstreams are kept in the cache.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lic_bench.codecs.program_codec import BITSTREAM
from lic_bench.codecs.ycbcr import Pixels, Planes, rgb_to_ycbcr, ycbcr_to_rgb, ycbcr_to_unit_rgb
from lic_bench.errors import UserError
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import Image, read_image
from lic_bench.rate_distortion.published import load_points
from lic_bench.system.programs import run_program
from lic_bench.system.workspaces import workspace
from vtm.model import VtmCodec, load

QPS = (47, 42, 37, 32, 27, 22, 17, 12)  # of the published points, by rising rate
MODE = "ycbcr8-truncated"
PUBLISHED_PSNR = "float RGB, against the encoder's input as float RGB"


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over images. psnr_db: by definition."""

    bpp: float
    psnr_db: dict[str, float]


def figures(codec: VtmCodec, images: Sequence[Image]) -> Figures:
    """Code the images, as many at a time as there are cores. What the bitstream cache has is only decoded."""
    codec.reads_cache = True
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(partial(_coded, codec), images))
    rates, values = zip(*rows, strict=True)
    means = {name: sum(value[name] for value in values) / len(rows) for name in values[0]}
    return Figures(sum(rates) / len(rows), means)


def _coded(codec: VtmCodec, image: Image) -> tuple[float, dict[str, float]]:
    pixels = read_image(image)
    size, decoded = decoded_planes(codec, pixels)
    return 8 * size / pixels[..., 0].size, psnrs(pixels, decoded)


def decoded_planes(codec: VtmCodec, pixels: Pixels) -> tuple[int, Planes]:
    """Bytes of the bitstream, and the decoded YCbCr [3, H, W]."""
    height, width = pixels.shape[:2]
    bits = codec.compress(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)
    with workspace("vtm-check") as folder:
        (folder / BITSTREAM).write_bytes(bits.payload)
        run_program(codec.decode_argv(height, width), folder, timeout_s=codec.timeout_s)
        return len(bits.payload), codec.read_planes(folder, height, width)


def psnrs(pixels: Pixels, decoded: Planes) -> dict[str, float]:
    """The PSNR [dB] of one image by each definition."""
    source = rgb_to_ycbcr(pixels, 8, truncate=True)
    converted, reconstruction = (unit_rgb(planes) for planes in (source, decoded))
    original = pixels.transpose(2, 0, 1) / 255
    cut = ycbcr_to_rgb(decoded, 8, truncate=True).transpose(2, 0, 1) / 255
    return {
        "RGB cut to 8 bit, against the image": psnr(original, cut),
        "RGB rounded to 8 bit, against the image": psnr(original, np.rint(reconstruction * 255) / 255),
        "float RGB, against the image": psnr(original, reconstruction),
        "planes of YCbCr, against the encoder's input": psnr(source / 255, decoded / 255),
        PUBLISHED_PSNR: psnr(converted, reconstruction),
    }


def unit_rgb(planes: Planes) -> NDArray[np.float64]:
    """YCbCr as RGB in 0..1, clipped, not rounded."""
    return np.clip(ycbcr_to_unit_rgb(planes, 8, truncate=True), 0, 1).astype(np.float64)


def psnr(reference: NDArray[np.float64], decoded: NDArray[np.float64]) -> float:
    """dB, for values in 0..1."""
    return float(-10 * np.log10(np.mean((reference - decoded) ** 2)))


def published(qp: int) -> str:
    """The published point of this QP in words."""
    if qp not in QPS:
        return f"nothing is published at QP {qp}, but at {', '.join(map(str, QPS))}"
    curve = load_points(["vtm-9.1"]).query("dataset == 'kodak'").sort_values("bpp").reset_index()
    point = curve.loc[QPS.index(qp)]
    return f"published (8 digits): {point.bpp} bpp, {point.psnr_db} dB"


def check(qp: int, vtm_root: Path | None, data_root: Path | None, limit: int | None) -> None:
    """Print the figures of one QP."""
    codec = load(qp, vtm_root=vtm_root, vtm_colour=MODE)
    images = find_dataset("kodak", data_root, limit=limit).images
    means = figures(codec, images)
    print(f"VTM-{codec.version}, QP {qp}, {len(images)} images: mean bpp {means.bpp!r}")
    print(f"  {published(qp) if limit is None else 'not all images: nothing published to compare with'}")
    for name, value in means.psnr_db.items():
        print(f"  {value:10.6f} dB  {name}")


def a_qp(text: str) -> int:
    """A QP that VTM takes; argparse says what is wrong with another."""
    qp = int(text)
    if not 0 <= qp <= 63:
        raise argparse.ArgumentTypeError(f"{qp}; allowed: 0..63")
    return qp


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vtm-root", type=Path)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--qp", type=a_qp, nargs="+", default=[47], metavar="0..63")
    parser.add_argument("--limit", type=int, help="only the first images: nothing to compare then, a quick look")
    given = parser.parse_args()
    for qp in given.qp:
        check(qp, given.vtm_root, given.data_root, given.limit)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
