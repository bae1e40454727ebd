"""Append-only files of lines, safe against being killed at any moment: only whole lines count."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def append(path: Path, text: str) -> None:
    """Add whole lines and force them to the disk. Raises OSError, the file as it was before."""
    size = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):  # what stays is a torn line, which opening the file again cuts
            os.truncate(path, size)
        raise


def whole_lines(path: Path, *, repair: bool = False) -> Iterator[bytes]:
    """Every whole line, without its end. Raises OSError.

    A killed writer leaves a torn last line: it never counted, and `repair` cuts it.
    """
    if not path.exists():
        return
    size = 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                size += len(line)
                yield line.rstrip(b"\r\n")
            elif repair:
                os.truncate(path, size)
