"""x265's settings: one intra picture, 4:4:4 at 10 bit, tuned for PSNR, one thread."""

from __future__ import annotations

import re

from adapters.shared import ffmpeg
from lic_bench.system.programs import Found

PARAMETERS = (
    "ipratio=1",  # else an intra picture gets QP - 3
    "keyint=1:repeat-headers=1",
    "pools=none:frame-threads=1:wpp=0",
    "info=0:vui-timing-info=0",  # neither x265's name and settings in the stream nor a frame rate
)


def arguments(quality: int) -> tuple[str, ...]:
    """quality: QP, 0..51."""
    parameters = ":".join((f"qp={quality}", *PARAMETERS))
    return ("-preset", "slower", "-tune", "psnr", "-x265-params", parameters)


CODER = ffmpeg.Coder(
    name="hevc",
    encoder="libx265",
    decoder="hevc",
    stream="hevc",
    pixel_format="yuv444p10le",
    mode="ycbcr10",
    arguments=arguments,
    trial=32,
    version=re.compile(r"HEVC encoder version (\S+)"),
    smallest=16,
)


def installed() -> Found:
    """What `lic-bench run` and `doctor` say of x265."""
    return ffmpeg.installed(CODER)
