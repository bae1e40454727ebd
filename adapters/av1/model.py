"""libaom through FFmpeg."""

from __future__ import annotations

from adapters.av1.coder import CODER
from adapters.shared.ffmpeg_codec import FfmpegCodec


def load(quality: int) -> FfmpegCodec:
    """quality: constant quality level, 1..63. Raises ProgramError where FFmpeg is missing or has no libaom."""
    return FfmpegCodec(CODER, quality)
