"""Where the published JPEG 2000 curve comes from: OpenJPEG through FFmpeg, after a conversion to 8-bit 4:4:4 YCbCr.

python benchmarks/published_jpeg2000.py --data-root DIR   needs `pip install 'lic-bench[video]'` and the Kodak images
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from adapters.shared.ffmpeg import program
from lic_bench.errors import UserError
from lic_bench.images.datasets import find_dataset
from lic_bench.rate_distortion import published

FORMATS = ("yuv444p", "rgb24")
RATIOS = (120, 70, 40, 20)  # raw over compressed size, what FFmpeg calls the compression level


def main() -> None:
    """Print bpp and PSNR by pixel format and ratio, and the published point of the nearest rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, help="folder that holds kodak/")
    images = [image.path for image in find_dataset("kodak", parser.parse_args().data_root).images if image.path]
    points = published.load_points(["jpeg2000"])
    points = points[points.dataset == "kodak"]
    print(f"{len(images)} images\nformat    ratio      bpp   PSNR [dB]   published")
    for pixel_format in FORMATS:
        for ratio in RATIOS:
            bpp, psnr = measured(images, pixel_format, ratio)
            near = points.iloc[(points.bpp - bpp).abs().argmin()]
            print(
                f"{pixel_format:8} {ratio:6d} {bpp:8.5f}  {psnr:9.4f}   {near.bpp:.5f} {near.psnr_db:.4f}", flush=True
            )


def measured(images: Sequence[Path], pixel_format: str, ratio: int) -> tuple[float, float]:
    """Mean bpp (whole files) and mean PSNR in dB."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [_coded(image, pixel_format, ratio, Path(folder)) for image in images]
    bpp, psnr = np.mean(rows, axis=0)
    return float(bpp), float(psnr)


def _coded(image: Path, pixel_format: str, ratio: int, folder: Path) -> tuple[float, float]:
    coded, decoded = folder / "coded.jp2", folder / "decoded.png"
    options = ["-pix_fmt", pixel_format, "-c:v", "libopenjpeg", "-compression_level", str(ratio)]
    for command in ([image, *options, coded], [coded, decoded]):
        subprocess.run([str(program()), "-loglevel", "error", "-y", "-i", *map(str, command)], check=True)
    x, x_hat = (np.asarray(Image.open(path).convert("RGB"), float) for path in (image, decoded))
    return 8 * coded.stat().st_size / (x.shape[0] * x.shape[1]), 10 * np.log10(255**2 / np.mean((x - x_hat) ** 2))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
