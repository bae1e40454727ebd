"""The command lines, as pure functions: the LALIC paper, supplementary A, and what other sizes need."""

from __future__ import annotations

import os
from pathlib import Path

from vtm.colour import Mode


def encode_argv(
    encoder: Path, config: str, mode: Mode, qp: int, height: int, width: int, *, source: str, bitstream: str
) -> list[str]:
    """EncoderApp from the raw file `source` to `bitstream`.

    The internal bit depth is the configuration's, said again so that it holds with any configuration.
    ConformanceWindowMode=1 pads sizes that are no multiple of 8 and makes the decoder crop them.
    """
    return [
        str(encoder),
        *("-i", source, "-c", config, "-o", os.devnull, "-b", bitstream),
        *("-wdt", str(width), "-hgt", str(height), "-q", str(qp)),
        *(f"--InputBitDepth={mode.bits}", "--InternalBitDepth=10", "-fr", "1", "-f", "1"),
        *("--InputChromaFormat=444", "--ConformanceWindowMode=1"),
    ]


def decode_argv(decoder: Path, mode: Mode, *, bitstream: str, output: str) -> list[str]:
    """DecoderApp from `bitstream` to the raw file `output`, at the bit depth of the encoder's input."""
    return [str(decoder), "-b", bitstream, "-o", output, "-d", str(mode.bits)]
