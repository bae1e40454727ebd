"""VVenC through FFmpeg."""

from __future__ import annotations

from adapters.shared.ffmpeg_codec import FfmpegCodec
from adapters.vvenc.chroma import from_420, to_420
from adapters.vvenc.coder import CODER
from lic_bench.ycbcr import Planes


def load(quality: int) -> VvencCodec:
    """quality: QP, 0..63. Raises ProgramError where FFmpeg is missing or has no VVenC."""
    return VvencCodec(CODER, quality)


class VvencCodec(FfmpegCodec):
    """VVenC at one QP: as its base, with half the colour resolution each way."""

    def to_file(self, planes: Planes) -> bytes:
        """Planes [3, H, W] in 4:2:0."""
        return to_420(planes)

    def from_file(self, data: bytes, height: int, width: int) -> Planes:
        """Planes [3, H, W] from 4:2:0."""
        return from_420(data, height, width)
