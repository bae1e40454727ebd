"""BPG through libbpg's two programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from adapters.bpg.coder import MODE, decode_argv, encode_argv, find, version_of
from lic_bench.codecs.program_codec import BITSTREAM, INPUT, OUTPUT, ProgramCodec
from lic_bench.codecs.ycbcr import Pixels


def load(quality: int) -> BpgCodec:
    """quality: QP, 0..51. Raises ProgramError where bpgenc or bpgdec is missing."""
    return BpgCodec(*find(), quality)


class BpgCodec(ProgramCodec):
    """BPG at one QP. The payload is the whole .bpg file, as in the published curve."""

    def __init__(self, encoder: Path, decoder: Path, quality: int) -> None:
        super().__init__("bpg", version_of(encoder), MODE)
        self.encoder = encoder
        self.decoder = decoder
        self.quality = quality

    def write_input(self, pixels: Pixels, folder: Path) -> None:
        """INPUT: a PNG file; bpgenc looks at the content, not at the name."""
        Image.fromarray(pixels).save(folder / INPUT, "PNG", compress_level=1)

    def encode_argv(self, height: int, width: int) -> Sequence[str]:
        """INPUT to BITSTREAM."""
        return encode_argv(self.encoder, self.quality, source=INPUT, bitstream=BITSTREAM)

    def decode_argv(self, height: int, width: int) -> Sequence[str]:
        """BITSTREAM to OUTPUT."""
        return decode_argv(self.decoder, bitstream=BITSTREAM, output=OUTPUT)

    def read_output(self, folder: Path, height: int, width: int) -> Pixels:
        """The decoded picture."""
        with Image.open(folder / OUTPUT, formats=("PPM",)) as picture:
            pixels = np.array(picture.convert("RGB"))
        if pixels.shape[:2] != (height, width):
            raise ValueError(f"it is {pixels.shape[1]}x{pixels.shape[0]}")
        return pixels
