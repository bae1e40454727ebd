"""The zip archive that torch.save writes: whether it is whole, and as large as it says. Needs no torch."""

import zipfile
from functools import lru_cache
from pathlib import Path

MAGIC = b"PK\x03\x04"
MOST_UNPACKED = 1 << 29  # bytes, of a file that is itself smaller; torch.save packs nothing


def zip_problem(path: Path) -> str | None:
    """What is wrong with a weights file that is a zip, in words that follow its name; None for any other file.

    One that unpacks to more than it has, and more than MOST_UNPACKED, is not unpacked. Of others every checksum is
    checked, which torch.load does not do; the answer is remembered while the file keeps its size and time.
    """
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return "is only the beginning of a zip archive" if file.read(4) == MAGIC else None
    info = path.stat()
    return _problem(path, info.st_size, info.st_mtime_ns)


@lru_cache(maxsize=256)
def _problem(path: Path, size: int, _time: int) -> str | None:
    try:
        with zipfile.ZipFile(path) as pack:
            unpacked = sum(entry.file_size for entry in pack.infolist())
            if unpacked > max(size, MOST_UNPACKED):
                return f"unpacks from {size} to {unpacked} bytes, which no weights do"
            damaged = pack.testzip()
    except Exception as error:  # every kind of compression has its own
        return f"is a damaged zip archive ({' '.join(str(error).split()) or type(error).__name__})"
    return None if damaged is None else f"is damaged: the checksum of {damaged!r} in it is wrong"
