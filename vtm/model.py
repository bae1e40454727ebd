"""VTM as a codec of lic-bench."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from lic_bench.codecs.program_codec import BITSTREAM, INPUT, OUTPUT, ProgramCodec
from lic_bench.codecs.ycbcr import (
    Pixels,
    Planes,
    gbr_to_rgb,
    planes_from_bytes,
    planes_to_bytes,
    rgb_to_gbr,
    rgb_to_ycbcr,
    ycbcr_to_rgb,
)
from vtm import VERSION
from vtm.binaries import CONFIG, Binaries, find_binaries, installed_coder
from vtm.colour import DEFAULT, MODES, Mode
from vtm.command import decode_argv, encode_argv


def load(quality: int, version: str = VERSION, vtm_root: Path | None = None, vtm_colour: str = DEFAULT) -> VtmCodec:
    """quality: QP, 0..63. Raises ProgramError if there is no VTM of that version, ValueError for an unknown mode."""
    installed_coder(version, vtm_root, vtm_colour)
    return VtmCodec(find_binaries(version, vtm_root), MODES[vtm_colour], quality)


class VtmCodec(ProgramCodec):
    """One VTM at one QP with one colour path."""

    def __init__(self, binaries: Binaries, mode: Mode, qp: int) -> None:
        super().__init__("vtm", binaries.version, mode.name)
        self.binaries = binaries
        self.colour = mode
        self.qp = qp
        self._config_sha256 = hashlib.sha256(binaries.config.read_bytes()).hexdigest()

    def write_input(self, pixels: Pixels, folder: Path) -> None:
        """INPUT: the three planes, 4:4:4."""
        if self.colour.planes == "gbr":
            planes = rgb_to_gbr(pixels)
        else:
            planes = rgb_to_ycbcr(pixels, self.colour.bits, truncate=self.colour.truncate)
        (folder / INPUT).write_bytes(planes_to_bytes(planes))

    def encode_argv(self, height: int, width: int) -> Sequence[str]:
        """INPUT to BITSTREAM."""
        return self._encode_argv(str(self.binaries.config), height, width)

    def decode_argv(self, height: int, width: int) -> Sequence[str]:
        """BITSTREAM to OUTPUT."""
        return decode_argv(self.binaries.decoder, self.colour, bitstream=BITSTREAM, output=OUTPUT)

    def read_output(self, folder: Path, height: int, width: int) -> Pixels:
        """The decoded picture as RGB."""
        planes = self.read_planes(folder, height, width)
        if self.colour.planes == "gbr":
            return gbr_to_rgb(planes)
        return ycbcr_to_rgb(planes, self.colour.bits, truncate=self.colour.truncate)

    def read_planes(self, folder: Path, height: int, width: int) -> Planes:
        """The decoded picture as it was coded, [3, height, width]. Raises ValueError for another size."""
        return planes_from_bytes((folder / OUTPUT).read_bytes(), height, width, self.colour.bits)

    def options(self, height: int, width: int) -> Sequence[str]:
        """The command line with the configuration's content for its path, and the colour path."""
        config = f"{CONFIG} {self._config_sha256}"
        return [self.colour.name, *self._encode_argv(config, height, width)[1:]]

    def _encode_argv(self, config: str, height: int, width: int) -> list[str]:
        return encode_argv(
            self.binaries.encoder, config, self.colour, self.qp, height, width, source=INPUT, bitstream=BITSTREAM
        )
