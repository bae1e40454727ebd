"""Decoded pictures and bitstreams that a run keeps, each under the hash of what it holds: equal ones are there once.

A bitstream's file is MAGIC, a line of JSON that says what a decoder needs, and the bytes: header, then payload.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lic_bench.errors import UserError
from lic_bench.system.whole_file import write_whole

SAVED = ("pictures", "bitstreams")  # folders in a run's, and parts of its records
DECODE_CHECKS = "decode-checks"  # folder of what `lic-bench decode-check` found
ENDINGS = {"pictures": ".png", "bitstreams": ".licb"}
MAGIC = b"lic-bench bitstream 1\n"
LONGEST_LINE = 1_000_000


@dataclass(frozen=True, slots=True)
class SavedBitstream:
    """header, payload: as in lic_bench.codec.Bitstream.

    about: codec, quality, weights, width, height, entropy_coder, kernels, mode and encoder_version as in the Record;
    picture: the hash of the decoded picture; passes: of codecs.pass_digests, of the symbols in it.
    """

    about: dict[str, Any]
    header: bytes
    payload: bytes

    def to_bytes(self) -> bytes:
        """The contents of its file."""
        lengths = {"header_bytes": len(self.header), "payload_bytes": len(self.payload)}
        line = json.dumps(self.about | lengths, sort_keys=True)
        return MAGIC + line.encode() + b"\n" + self.header + self.payload

    @classmethod
    def from_bytes(cls, data: bytes, source: str) -> "SavedBitstream":
        """The reverse. Raises UserError, naming `source`, for what is no such file, or not a whole one."""
        line, newline, rest = data[len(MAGIC) :].partition(b"\n")
        about: dict[str, Any] = {}
        try:
            about = json.loads(line) if data.startswith(MAGIC) and newline and len(line) <= LONGEST_LINE else {}
            header, payload = (about.pop(f"{name}_bytes") for name in ("header", "payload"))
            whole = type(header) is type(payload) is int and 0 <= header <= len(rest) == header + payload
        except (AttributeError, KeyError, TypeError, ValueError):
            whole = False
        if not whole:
            raise UserError(f"{source} is no bitstream of `lic-bench run --save bitstreams`, or not a whole one.")
        return cls(about, rest[:header], rest[header:])


def picture_hash(height: int, width: int, rgb: bytes) -> str:
    """sha256 of a picture: its size and its 8-bit RGB values, row by row."""
    return hashlib.sha256(f"{height} {width} ".encode() + rgb).hexdigest()


def saved_path(run: Path, kind: str, content: str) -> Path:
    """Where the picture or bitstream of that hash is. kind: of SAVED."""
    return run / kind / f"{content}{ENDINGS[kind]}"


def save(run: Path, kind: str, content: str, data: bytes) -> None:
    """Write a file unless it is there. Raises UserError where it cannot be written; what is stored stays."""
    path = saved_path(run, kind, content)
    try:
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            write_whole(path, data)
    except OSError as error:
        raise UserError(
            f"Cannot write {path}: {error.strerror}. The records and files there are safe; make room and run the same "
            "command again to go on."
        ) from None
