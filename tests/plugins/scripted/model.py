"""The codec; $SCRIPTED_VERSION is what the programs say of themselves, 1.0 unless set."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lic_bench.codecs.program_codec import BITSTREAM, INPUT, OUTPUT, ProgramCodec
from lic_bench.codecs.ycbcr import Pixels
from lic_bench.system.programs import InstalledCoder, ProgramError

HERE = Path(__file__).parent


def found(version: str = "1.0", vtm_colour: str = "rgb") -> InstalledCoder:
    there = os.environ.get("SCRIPTED_VERSION", "1.0")
    if there != version:
        raise ProgramError(f"coder.py is Scripted {there}, not {version}.")
    return InstalledCoder(there, vtm_colour, str(HERE))


class Scripted(ProgramCodec):
    def __init__(self, bits: int, version: str, mode: str) -> None:
        super().__init__("scripted", version, mode, timeout_s=60)
        self.bits = bits

    def write_input(self, pixels: Pixels, folder: Path) -> None:
        (folder / INPUT).write_bytes(pixels.tobytes())

    def encode_argv(self, height: int, width: int) -> Sequence[str]:
        return [sys.executable, str(HERE / "coder.py"), "encode", str(self.bits), INPUT, BITSTREAM]

    def decode_argv(self, height: int, width: int) -> Sequence[str]:
        return [sys.executable, str(HERE / "coder.py"), "decode", str(self.bits), BITSTREAM, OUTPUT]

    def read_output(self, folder: Path, height: int, width: int) -> Pixels:
        return np.frombuffer((folder / OUTPUT).read_bytes(), np.uint8).reshape(height, width, 3)


def load(quality: int, version: str = "1.0", vtm_colour: str = "rgb") -> Scripted:
    found(version, vtm_colour)
    return Scripted(quality, version, vtm_colour)
