"""A coder of FFmpeg as a codec: YCbCr 4:4:4 at 10 bit in and out, converted here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from adapters.shared.ffmpeg import BITS, Coder, decode_argv, encode_argv, program, version_of
from lic_bench.codec import Bitstream
from lic_bench.codecs.program_codec import BITSTREAM, INPUT, OUTPUT, ProgramCodec
from lic_bench.codecs.ycbcr import Pixels, Planes, planes_from_bytes, planes_to_bytes, rgb_to_ycbcr, ycbcr_to_rgb
from lic_bench.system.programs import ProgramError


class FfmpegCodec(ProgramCodec):
    """One coder at one quality. Pictures of sizes that it does not take get their last row and column repeated."""

    def __init__(self, coder: Coder, quality: int) -> None:
        self.program = program()
        super().__init__(coder.name, version_of(self.program, coder), coder.mode)
        self.coder = coder
        self.quality = quality

    def decompress(self, bits: Bitstream) -> Tensor:
        """As its base; of a damaged bitstream FFmpeg says little more than that it wrote nothing."""
        try:
            return super().decompress(bits)
        except ProgramError as error:
            stream = f"{len(bits.payload)} bytes of {self.coder.encoder} bitstream"
            raise ProgramError(f"{stream} were not decoded: {error}") from None

    def write_input(self, pixels: Pixels, folder: Path) -> None:
        """INPUT: the planes of the padded picture."""
        height, width = pixels.shape[:2]
        below, right = np.subtract(self.coder.coded_size(height, width), (height, width))
        padded = np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="edge")
        (folder / INPUT).write_bytes(self.to_file(rgb_to_ycbcr(padded, BITS)))

    def encode_argv(self, height: int, width: int) -> Sequence[str]:
        """INPUT to BITSTREAM."""
        size = self.coder.coded_size(height, width)
        return encode_argv(self.program, self.coder, self.quality, *size, source=INPUT, bitstream=BITSTREAM)

    def decode_argv(self, height: int, width: int) -> Sequence[str]:
        """BITSTREAM to OUTPUT."""
        return decode_argv(self.program, self.coder, bitstream=BITSTREAM, output=OUTPUT)

    def read_output(self, folder: Path, height: int, width: int) -> Pixels:
        """The decoded picture as RGB, cropped to its size."""
        planes = self.from_file((folder / OUTPUT).read_bytes(), *self.coder.coded_size(height, width))
        return np.ascontiguousarray(ycbcr_to_rgb(planes, BITS)[:height, :width])

    def to_file(self, planes: Planes) -> bytes:
        """Planes [3, H, W] as the encoder reads them."""
        return planes_to_bytes(planes)

    def from_file(self, data: bytes, height: int, width: int) -> Planes:
        """Planes [3, H, W] from what the decoder wrote. Raises ValueError where that is another size."""
        return planes_from_bytes(data, height, width, BITS)
