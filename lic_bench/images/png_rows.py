"""Whether a PNG has all its rows: readers fill up what is missing with black, without an error."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

SIGNATURE = 8  # bytes
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type


def png_is_whole(path: Path) -> bool:
    """Whether the data of a PNG, whose checksums are right, unpack to as many rows as its header says.

    Interlaced ones, whose rows come in seven passes, count as whole. See the PNG specification, sections 7 and 9.
    """
    chunks = _chunks(path)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", next(chunks)[1])
    if interlaced:
        return True
    row = 1 + (width * depth * CHANNELS[colour] + 7) // 8  # with the byte that names its filter
    unpacker, size = zlib.decompressobj(), 0
    for kind, data in chunks:
        if kind == b"IDAT":
            size += len(unpacker.decompress(data))
    return bool(size + len(unpacker.flush()) >= row * height)


def _chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each, in order."""
    with path.open("rb") as file:
        file.seek(SIGNATURE)
        while header := file.read(8):
            length, kind = struct.unpack(">I4s", header)
            yield kind, file.read(length)
            file.seek(4, 1)  # the checksum
