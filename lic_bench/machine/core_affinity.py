"""Keeping a timed run on fixed cores, so that its reference workload feels what its codecs feel.

On a machine that others share, each core is slowed by its own neighbours: a reference workload on another core than the
codec says nothing about it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from lic_bench.machine import sysfs
from lic_bench.machine.cpu import CPUS


def choose_cores(threads: int, usable: Sequence[int]) -> frozenset[int]:
    """As many of the usable cores as there are threads: the last ones, of each physical core one first.

    Interrupts mostly go to the first. All, where there are no more than threads.
    """
    by_rank: list[tuple[int, int]] = []
    seen: dict[str, int] = {}
    for core in sorted(usable, reverse=True):
        siblings = sysfs.read_text(CPUS / f"cpu{core}/topology/thread_siblings_list") or str(core)
        by_rank.append((seen.setdefault(siblings, 0), -core))
        seen[siblings] += 1
    return frozenset(-core for _, core in sorted(by_rank)[:threads])


def usable_cores() -> list[int]:
    """The cores that this process may use; [] where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


def cores_for_threads(threads: int) -> frozenset[int] | None:
    """The cores on which a timed run with so many threads is kept; None where it may use all."""
    cores = usable_cores()
    return choose_cores(threads, cores) if threads < len(cores) else None


@contextmanager
def keep_on_cores(cores: frozenset[int] | None) -> Iterator[None]:
    """Keep this process, and the programs that it starts meanwhile, to these cores; None: as it is."""
    before = usable_cores()
    move_to_cores(cores)
    try:
        yield
    finally:
        if cores is not None:
            move_to_cores(frozenset(before))


def move_to_cores(cores: frozenset[int] | None) -> None:
    """Move all threads of this process to these cores: the libraries' workers are there already. None: as it is.

    Where the system does not let it be told, nothing happens.
    """
    with suppress(OSError):
        for task in sysfs.list_folder("/proc/self/task") if cores else ():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task), cores or ())


def leave_inherited_cores() -> None:
    """Move this process off the cores that it inherited, to all others that it may use; stay if there are none."""
    inherited = frozenset(usable_cores())
    everywhere = sysfs.parse_cpu_list(sysfs.read_text(CPUS / "online"))
    if inherited and everywhere:
        with suppress(OSError):
            os.sched_setaffinity(0, everywhere)  # the kernel takes off what this process must not use
            if others := frozenset(usable_cores()) - inherited:
                os.sched_setaffinity(0, others)
