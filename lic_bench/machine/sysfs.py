"""Reading the small files under /proc and /sys, which may not be there."""

import os
from pathlib import Path


def read_text(path: str | Path) -> str | None:
    """The file's text without the white space around it; None if it is not there or may not be read."""
    try:
        file = os.open(path, os.O_RDONLY)  # takes a quarter of Path.read_text's time, and samples wait for it
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
    """The integer that the file holds; None if it holds none."""
    text = read_text(path)
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


def list_folder(folder: str | Path) -> list[str]:
    """The names in a folder, in any order; [] if there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
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
    """The inverse of `parse_cpu_list`: [0, 1, 2, 5] -> "0-2,5"."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
