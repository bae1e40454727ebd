"""Append-only files of lines, safe against being killed at any moment: only whole lines count."""

import os
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


def whole_lines(path: Path, *, repair: bool = False) -> list[bytes]:
    """Every whole line. A killed writer leaves a torn last line: it never counted, and `repair` cuts it (OSError)."""
    data = path.read_bytes() if path.exists() else b""
    kept = data[: data.rfind(b"\n") + 1]
    if repair and kept != data:
        os.truncate(path, len(kept))
    return kept.splitlines()
