"""The small files under /proc and /sys: their content, or None where there is no such file."""

from __future__ import annotations

import os
from pathlib import Path


def read_text(path: str | Path) -> str | None:
    """The file's text without the white space around it; None where it is not there or not for us to read."""
    try:
        file = os.open(path, os.O_RDONLY)  # a quarter of the time of Path.read_text, and these are read between samples
    except OSError:
        return None
    try:
        parts = []
        while part := os.read(file, 65536):
            parts.append(part)
        return b"".join(parts).decode(errors="replace").strip()
    except OSError:
        return None
    finally:
        os.close(file)


def read_int(path: str | Path) -> int | None:
    """The file's one integer, else None."""
    text = read_text(path)
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


def list_folder(folder: str | Path) -> list[str]:
    """The names in a folder, in no order; [] where there is none."""
    try:
        with os.scandir(folder) as found:
            return [entry.name for entry in found]
    except OSError:
        return []


def parse_cpu_list(text: str | None) -> list[int]:
    """The kernel's notation for a set of CPUs: "0-2,5" -> [0, 1, 2, 5]; [] for None and ""."""
    numbers: list[int] = []
    for part in filter(None, (text or "").split(",")):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def format_cpu_list(numbers: list[int]) -> str:
    """The other way round: [0, 1, 2, 5] -> "0-2,5"."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
