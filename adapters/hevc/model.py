"""x265 through FFmpeg."""

from __future__ import annotations

from adapters.hevc.coder import CODER
from adapters.shared.ffmpeg_codec import FfmpegCodec


def load(quality: int) -> FfmpegCodec:
    """quality: QP, 0..51. Raises ProgramError where FFmpeg is missing or has no x265."""
    return FfmpegCodec(CODER, quality)
