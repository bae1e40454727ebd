"""x265 through FFmpeg."""

from __future__ import annotations

import struct
from zlib import crc32

from torch import Tensor

from adapters.hevc.coder import CODER
from adapters.shared.ffmpeg_codec import FfmpegCodec
from lic_bench.codec import Bitstream
from lic_bench.codecs.program_codec import SIZE
from lic_bench.system.programs import ProgramError

_HEADER = struct.Struct("<HHI")  # height, width, checksum of the payload: no longer than SIZE


class HevcCodec(FfmpegCodec):
    """The header has a checksum: FFmpeg decodes a part of an HEVC stream, without an error, to another picture."""

    def compress(self, x: Tensor) -> Bitstream:
        """As its base."""
        bits = super().compress(x)
        return Bitstream(bits.payload, _HEADER.pack(*x.shape[-2:], crc32(bits.payload)))

    def decompress(self, bits: Bitstream) -> Tensor:
        """As its base. Raises ProgramError for another payload than was encoded."""
        height, width, checksum = _HEADER.unpack(bits.header)
        if crc32(bits.payload) != checksum:
            raise ProgramError(
                f"{len(bits.payload)} bytes of {self.coder.encoder} bitstream are damaged: their checksum is not the "
                "header's."
            )
        return super().decompress(Bitstream(bits.payload, SIZE.pack(height, width)))


def load(quality: int) -> HevcCodec:
    """quality: QP, 0..51. Raises ProgramError where FFmpeg is missing or has no x265."""
    return HevcCodec(CODER, quality)
