"""Hold this VTM against the published Kodak curve, and show which PSNR was published.

    python benchmarks/vtm_check.py --vtm-root VVCSoftware_VTM --data-root /data [--qp 47]

Codes the 24 Kodak images at each QP with the truncating conversion (mode ycbcr8-truncated) and prints the mean bpp and
the mean PSNR by five definitions beside the published values. A QP takes minutes; bitstreams are kept in the cache.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lic_bench.datasets import find_dataset, read_image
from lic_bench.external import BITSTREAM
from lic_bench.programs import run_program, workspace
from lic_bench.published import load_points
from lic_bench.ycbcr import Pixels, Planes, rgb_to_ycbcr, ycbcr_to_rgb, ycbcr_to_unit_rgb
from vtm.model import VtmCodec, load

QPS = (47, 42, 37, 32, 27, 22, 17, 12)  # of the published points, by rising rate
MODE = "ycbcr8-truncated"


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
        "float RGB, against the encoder's input as float RGB": psnr(converted, reconstruction),
    }


def unit_rgb(planes: Planes) -> NDArray[np.float64]:
    """YCbCr as RGB in 0..1, clipped, not rounded."""
    return np.clip(ycbcr_to_unit_rgb(planes, 8, truncate=True), 0, 1).astype(np.float64)


def psnr(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """dB for a peak of 1."""
    return float(-10 * np.log10(np.mean((one - other) ** 2)))


def check(qp: int, vtm_root: Path | None, data_root: Path | None, limit: int | None) -> None:
    """Print the figures of one QP."""
    codec = load(qp, vtm_root=vtm_root, vtm_colour=MODE)
    codec.reads_cache = True
    rates, values = [], []
    for image in find_dataset("kodak", data_root, limit=limit).images:
        pixels = read_image(image)
        size, decoded = decoded_planes(codec, pixels)
        rates.append(8 * size / pixels[..., 0].size)
        values.append(psnrs(pixels, decoded))
    curve = load_points(["vtm-9.1"]).query("dataset == 'kodak'").sort_values("bpp").reset_index()
    published = curve.loc[QPS.index(qp)]
    print(f"VTM-{codec.version}, QP {qp}, {len(rates)} images: mean bpp {sum(rates) / len(rates)!r}")
    print(f"  published (8 digits): {published.bpp} bpp, {published.psnr_db} dB")
    for name in values[0]:
        print(f"  {sum(value[name] for value in values) / len(values):10.6f} dB  {name}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vtm-root", type=Path)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--qp", type=int, nargs="+", default=[47], choices=QPS)
    parser.add_argument("--limit", type=int, help="only the first images: nothing to compare then, a quick look")
    given = parser.parse_args()
    for qp in given.qp:
        check(qp, given.vtm_root, given.data_root, given.limit)


if __name__ == "__main__":
    main()
