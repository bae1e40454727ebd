"""How much memory this process may still take."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import psutil

from lic_bench.machine.sysfs import read_int, read_text

UNLIMITED = 1 << 60  # bytes; version 1 of control groups says a number near 2^63 where there is no limit
# Of a control group: its limit, what is taken, and the line of memory.stat that says how much of that are idle files.
VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
VERSION_2 = ("memory.max", "memory.current", "inactive_file")


def free_memory_bytes() -> int:
    """The least of what the machine, the process's control groups and its own limit (`ulimit -v`) leave."""
    return max(0, min([psutil.virtual_memory().available, *left_of_groups(), *_left_of_own_limit()]))


def left_of_groups(process: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> Iterator[int]:
    """Of each control group that the process is in, and of those above it, where they have a limit."""
    for line in (read_text(process) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            top, names = root / "memory", VERSION_1
        elif not controllers:
            top, names = root, VERSION_2
        else:
            continue
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(top) and (left := _left_of_group(folder, *names)) is not None:
                yield left


def _left_of_group(folder: Path, limit_name: str, taken_name: str, idle_name: str) -> int | None:
    limit, taken = read_int(folder / limit_name), read_int(folder / taken_name)
    if limit is None or taken is None or limit > UNLIMITED:
        return None
    statistics = (line.split() for line in (read_text(folder / "memory.stat") or "").splitlines())
    return limit - taken + sum(int(value) for name, value in statistics if name == idle_name)


def _left_of_own_limit() -> Iterator[int]:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        yield limit - psutil.Process().memory_info().vms
