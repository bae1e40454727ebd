"""How much memory a process holds."""

import os

import psutil

from lic_bench.machine import sysfs

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


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
