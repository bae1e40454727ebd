"""FFmpeg as an image coder: the binary that imageio-ffmpeg carries, its libraries' versions, the command lines.

No torch here: `lic-bench doctor` asks this module what is there.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lic_bench.system.programs import InstalledCoder, ProgramError, banner, run_program
from lic_bench.system.workspaces import workspace

INSTALL = "pip install 'lic-bench[video]'"
VARIABLE = "IMAGEIO_FFMPEG_EXE"  # imageio-ffmpeg's own
BITS = 10  # of a sample, in all coders here
QUIET = ("-hide_banner", "-nostdin", "-loglevel")
TRIAL = 16  # side of the picture that is coded to see whether a coder works
_VERSION = re.compile(r"ffmpeg version (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coder:
    """One encoder of FFmpeg at fixed settings, and the decoder of the same binary.

    encoder, decoder, stream, pixel_format: FFmpeg's names; stream is the format of the elementary stream.
    mode: the colour path, for the record.
    arguments: quality -> what the encoder is told. trial: a quality.
    version: finds the encoder's version in what it logs.
    multiple, smallest: what the encoder takes as a side of a picture.
    """

    name: str
    encoder: str
    decoder: str
    stream: str
    pixel_format: str
    mode: str
    arguments: Callable[[int], tuple[str, ...]]
    trial: int
    version: re.Pattern[str]
    multiple: int = 1
    smallest: int = 1

    def coded_size(self, height: int, width: int) -> tuple[int, int]:
        """The size of the picture that is coded for one of height x width: at least that, rarely more."""
        padded_height, padded_width = (
            max(-(-side // self.multiple) * self.multiple, self.smallest) for side in (height, width)
        )
        return padded_height, padded_width


def encode_argv(
    program: Path | str, coder: Coder, quality: int, height: int, width: int, *, source: str, bitstream: str
) -> list[str]:
    """FFmpeg from the raw picture `source`, of a size that the encoder takes, to the elementary stream `bitstream`.

    One thread. Whatever would convert pixels is an error: colours are ours to convert.
    """
    return [
        *(str(program), *QUIET, "error", "-noauto_conversion_filters"),
        *("-f", "rawvideo", "-pix_fmt", coder.pixel_format, "-s", f"{width}x{height}", "-i", source),
        *("-frames:v", "1", "-c:v", coder.encoder, "-threads", "1", *coder.arguments(quality)),
        *("-f", coder.stream, bitstream),
    ]


def decode_argv(program: Path | str, coder: Coder, *, bitstream: str, output: str) -> list[str]:
    """FFmpeg from the elementary stream `bitstream` to the raw picture `output`; what it sees of damage is an error."""
    return [
        *(str(program), *QUIET, "error", "-noauto_conversion_filters", "-xerror"),
        *("-err_detect", "explode", "-threads", "1", "-c:v", coder.decoder, "-f", coder.stream, "-i", bitstream),
        *("-frames:v", "1", "-f", "rawvideo", "-pix_fmt", coder.pixel_format, output),
    ]


def program() -> Path:
    """The FFmpeg that imageio-ffmpeg names. Raises ProgramError where there is none."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        named = get_ffmpeg_exe()
        return Path(shutil.which(named) or named).absolute()
    except ImportError:
        raise ProgramError(f"FFmpeg is not there: {INSTALL}.") from None
    except RuntimeError:
        raise ProgramError(f"imageio-ffmpeg has no FFmpeg for this machine: name one by ${VARIABLE}.") from None


def installed(coder: Coder) -> InstalledCoder:
    """What `lic-bench run` and `doctor` say of this coder. Raises ProgramError where it does not work."""
    there = program()
    return InstalledCoder(version_of(there, coder), coder.mode, str(there), (there,))


@cache
def version_of(there: Path, coder: Coder) -> str:
    """The versions of the encoder's library and of FFmpeg, which decodes; by coding a small picture both ways."""
    line = banner(there, "-version")
    name = parse_version(_VERSION, line)
    if name is None:
        raise ProgramError(f"{there} does not say that it is FFmpeg; its first line is {line[:80]!r}.")
    encode = encode_argv(there, coder, coder.trial, TRIAL, TRIAL, source="source", bitstream="stream")
    encode[encode.index("error")] = "verbose"
    decode = decode_argv(there, coder, bitstream="stream", output="picture")
    with workspace(coder.name) as folder:
        (folder / "source").write_bytes(bytes(TRIAL * TRIAL * 3 * 2))
        try:
            log = run_program(encode, folder, timeout_s=60).stderr
            run_program(decode, folder, timeout_s=60)
        except ProgramError as error:
            raise ProgramError(
                f"FFmpeg {name} ({there}) does not code by {coder.encoder} and {coder.decoder}; "
                f"{INSTALL} brings one that does, ${VARIABLE} names another. It said: {error}"
            ) from None
    encoder = parse_version(coder.version, log)
    if encoder is None:
        raise ProgramError(
            f"FFmpeg {name} ({there}) does not say the version of {coder.encoder}, without which records are not "
            f"comparable; {INSTALL} brings one that does, ${VARIABLE} names another."
        )
    return f"{coder.encoder} {encoder}, FFmpeg {name}"


def parse_version(version: re.Pattern[str], text: str) -> str | None:
    """What the pattern's group finds in a program's output, None if nothing."""
    match = version.search(text)
    return match[1] if match else None
