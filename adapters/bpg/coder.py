"""libbpg's two programs: where they are, their version, their command lines. No torch here."""

from __future__ import annotations

import re
from pathlib import Path

from lic_bench.system.programs import Found, ProgramError, banner, need_program

ROOT = "BPG_ROOT"
MODE = "ycbcr8-bt601"  # bpgenc converts, by these settings
_VERSION = re.compile(r"BPG Image (?:Encoder|Decoder) version (\S+)")


def encode_argv(encoder: Path | str, quality: int, *, source: str, bitstream: str) -> list[str]:
    """bpgenc from the PNG file `source` to `bitstream`, as CompressAI's bench calls it for the published curve."""
    settings = ("-f", "444", "-c", "ycbcr", "-b", "8", "-e", "x265")
    return [str(encoder), "-q", str(quality), *settings, "-o", bitstream, source]


def decode_argv(decoder: Path | str, *, bitstream: str, output: str) -> list[str]:
    """bpgdec from `bitstream` to the PPM file `output`, whose name must have no ending."""
    return [str(decoder), "-o", output, bitstream]


def find() -> tuple[Path, Path]:
    """bpgenc and bpgdec below $BPG_ROOT, else on PATH. Raises ProgramError for the one that is missing."""
    return need_program(("bpgenc",), env=ROOT), need_program(("bpgdec",), env=ROOT)


def installed() -> Found:
    """What `lic-bench run` and `doctor` say of libbpg."""
    encoder, decoder = find()
    version_of(decoder)
    return Found(version_of(encoder), MODE, str(encoder), (encoder, decoder))


def version_of(program: Path) -> str:
    """The version of libbpg that one of its programs says. Raises ProgramError if it says something else."""
    line = banner(program, "-h")
    version = parse_version(line)
    if version is None:
        raise ProgramError(f"{program} does not say that it is libbpg's; its first line is {line[:80]!r}.")
    return version


def parse_version(line: str) -> str | None:
    """The version in the first line that bpgenc or bpgdec writes; None if it is not theirs."""
    match = _VERSION.search(line)
    return match[1] if match else None
