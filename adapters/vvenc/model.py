"""VVenC through FFmpeg."""

from __future__ import annotations

from torch import Tensor

from adapters.shared.ffmpeg_codec import FfmpegCodec
from adapters.vvenc.chroma import from_420, to_420
from adapters.vvenc.coder import CODER
from lic_bench.codec import Bitstream
from lic_bench.codecs.ycbcr import Planes
from lic_bench.system.programs import ProgramError

NO_ROOM = "Generic error in an external library"  # all that FFmpeg says of it


def load(quality: int) -> VvencCodec:
    """quality: QP, 0..63. Raises ProgramError where FFmpeg is missing or has no VVenC."""
    return VvencCodec(CODER, quality)


class VvencCodec(FfmpegCodec):
    """VVenC at one QP: as its base, with half the colour resolution each way."""

    def compress(self, x: Tensor) -> Bitstream:
        """As its base. FFmpeg (libavcodec/libvvenc.c) gives VVenC one byte per pixel of the coded picture to write to.

        Raises ProgramError where that is too little: noise at a low QP.
        """
        try:
            return super().compress(x)
        except ProgramError as error:
            if NO_ROOM not in str(error):
                raise
        height, width = self.coder.coded_size(*x.shape[-2:])
        raise ProgramError(
            f"libvvenc failed at QP {self.quality}: FFmpeg leaves it {height * width} bytes, 8 bit per pixel, for a "
            f"picture of {width}x{height}, and this one needs more; use a higher QP."
        )

    def to_file(self, planes: Planes) -> bytes:
        """Planes [3, H, W] in 4:2:0."""
        return to_420(planes)

    def from_file(self, data: bytes, height: int, width: int) -> Planes:
        """Planes [3, H, W] from 4:2:0."""
        return from_420(data, height, width)
