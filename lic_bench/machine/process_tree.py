"""Which processes belong to a process: its children, theirs, and so on. Linux reads /proc, others ask psutil."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import psutil

from lic_bench.machine import sysfs


def descendants(pid: int) -> list[int]:
    """The ids of all living processes below `pid`, parents first; [] once it has ended."""
    if not _listed():
        return _asked(pid)
    found = _children(pid)
    for child in found:  # grows while it is walked
        found += _children(child)
    return found


def is_in_tree(pid: int, root: int) -> bool:
    """Whether `pid` is `root` or below it."""
    seen: set[int] = set()
    while pid not in seen and pid > 1:
        if pid == root:
            return True
        seen.add(pid)
        pid = _parent(pid)
    return False


def _parent(pid: int) -> int:
    """0 where there is no such process."""
    stat = sysfs.read_text(f"/proc/{pid}/stat")
    if stat is not None:
        return int(stat.rpartition(")")[2].split()[1])
    try:
        return psutil.Process(pid).ppid()
    except psutil.Error:
        return 0


@cache
def _listed() -> bool:
    """Whether this kernel lists the children of a thread."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def _children(pid: int) -> list[int]:
    """A child hangs on the thread that started it."""
    found: list[int] = []
    for thread in sysfs.list_folder(f"/proc/{pid}/task"):
        text = sysfs.read_text(f"/proc/{pid}/task/{thread}/children")
        found += map(int, (text or "").split())
    return found


def _asked(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []
