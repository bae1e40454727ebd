"""VVenC's settings: one intra picture, 4:2:0 at 10 bit, which is all it takes, tuned for PSNR, one thread."""

from __future__ import annotations

import re

from adapters.shared import ffmpeg
from lic_bench.system.programs import Found

PARAMETERS = (
    "intraperiod=1:gopsize=1",  # else the stream says how pictures that are not there depend on each other
    "accessunitdelimiter=0:hrdparameterspresent=0:decodedpicturehash=0",  # nothing that decoding needs
)


def arguments(quality: int) -> tuple[str, ...]:
    """quality: QP, 0..63."""
    return ("-preset", "medium", "-qpa", "0", "-qp", str(quality), "-vvenc-params", ":".join(PARAMETERS))


CODER = ffmpeg.Coder(
    name="vvenc",
    encoder="libvvenc",
    decoder="vvc",
    stream="vvc",
    pixel_format="yuv420p10le",
    mode="ycbcr10-420",
    arguments=arguments,
    trial=32,
    version=re.compile(r"libvvenc version: (\S+)"),
    multiple=2,
    smallest=16,
)


def installed() -> Found:
    """What `lic-bench run` and `doctor` say of VVenC."""
    return ffmpeg.installed(CODER)
