"""The processes below a process: its children, theirs, and so on. By /proc on Linux, elsewhere by psutil."""

import os
from functools import cache
from pathlib import Path

import psutil

from lic_bench.machine import sysfs


def descendants(pid: int) -> list[int]:
    """The ids of all living processes below `pid`, parents first; [] once it has ended."""
    if not _kernel_lists_children():
        return _descendants_by_psutil(pid)
    processes = _children(pid)
    for child in processes:  # the list grows while it is walked
        processes += _children(child)
    return processes


def is_in_tree(pid: int, root: int) -> bool:
    """Whether `pid` is `root` or a process below it."""
    seen: set[int] = set()
    while pid not in seen and pid > 1:
        if pid == root:
            return True
        seen.add(pid)
        pid = _parent(pid)
    return False


def process_exists(pid: int) -> bool:
    """Whether there is such a process, of whatever user."""
    if pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _parent(pid: int) -> int:
    """The id of the parent; 0 if there is no such process."""
    stat = sysfs.read_text(f"/proc/{pid}/stat")
    if stat is not None:
        return int(stat.rpartition(")")[2].split()[1])
    try:
        return psutil.Process(pid).ppid()
    except psutil.Error:
        return 0


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
