"""The processes below a process, and how much memory each holds. By /proc on Linux, elsewhere by psutil."""

import os
from functools import cache
from pathlib import Path

import psutil

from lic_bench.machine import sysfs

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def descendants(pid: int) -> list[int]:
    """The ids of all living processes below `pid`, parents first; [] once it has ended."""
    if not _kernel_lists_children():
        return _descendants_by_psutil(pid)
    processes = _children(pid)
    for child in processes:  # the list grows while it is walked
        processes += _children(child)
    return processes


def resident_bytes(pid: int) -> int | None:
    """Resident bytes of a process; None if there is no such process."""
    if text := sysfs.read_text(f"/proc/{pid}/statm"):
        return int(text.split()[1]) * PAGE_BYTES
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def peak_resident_bytes(pid: int | str) -> int | None:
    """The most resident bytes that a process has had; None where /proc has no VmHWM of it."""
    for line in (sysfs.read_text(f"/proc/{pid}/status") or "").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


@cache
def _kernel_lists_children() -> bool:
    """Whether this kernel lists the children of a thread."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def _children(pid: int) -> list[int]:
    """The children of all threads of a process: the kernel lists each at the thread that started it."""
    children: list[int] = []
    for thread in sysfs.list_folder(f"/proc/{pid}/task"):
        text = sysfs.read_text(f"/proc/{pid}/task/{thread}/children")
        children += map(int, (text or "").split())
    return children


def _descendants_by_psutil(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []
