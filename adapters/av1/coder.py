"""libaom's settings: one still picture, 4:4:4 at 10 bit, tuned for PSNR, one thread."""

from __future__ import annotations

import re

from adapters.shared import ffmpeg
from lic_bench.system.programs import Found


def arguments(quality: int) -> tuple[str, ...]:
    """quality: constant quality level (cq-level), 1..63. usage good: libaom's default."""
    speed = ("-usage", "good", "-cpu-used", "2", "-row-mt", "0")
    return ("-still-picture", "1", "-tune", "psnr", *speed, "-crf", str(quality))


CODER = ffmpeg.Coder(
    name="av1",
    encoder="libaom-av1",
    decoder="libdav1d",
    stream="obu",
    pixel_format="yuv444p10le",
    mode="ycbcr10",
    arguments=arguments,
    trial=32,
    version=re.compile(r"\[libaom-av1 @ \S+\] v?(\d\S*)"),
)


def installed() -> Found:
    """What `lic-bench run` and `doctor` say of libaom."""
    return ffmpeg.installed(CODER)
