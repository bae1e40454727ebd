"""Keeping a timed run on fixed cores, so that its reference workload is slowed by the same neighbours as its codecs.

On a shared machine each core has other neighbours: a reference workload on another core says nothing about the codec.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from lic_bench.machine import sysfs
from lic_bench.machine.cpu import CPUS


def choose_cores(threads: int, usable: Sequence[int]) -> frozenset[int]:
    """One usable core per thread, the last ones first, as interrupts mostly go to the first; all if there are too few.

    A second core of a physical one is taken only after one of each.
    """
    by_rank: list[tuple[int, int]] = []
    taken: dict[str, int] = {}  # physical core, by its siblings -> cores of it so far
    for core in sorted(usable, reverse=True):
        siblings = sysfs.read_text(CPUS / f"cpu{core}/topology/thread_siblings_list") or str(core)
        by_rank.append((taken.setdefault(siblings, 0), -core))
        taken[siblings] += 1
    return frozenset(-core for _, core in sorted(by_rank)[:threads])


def usable_cores() -> list[int]:
    """The cores that this process may use; [] if the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


def cores_for_threads(threads: int) -> frozenset[int] | None:
    """The cores for a timed run of so many threads; None if it may use all."""
    cores = usable_cores()
    return choose_cores(threads, cores) if threads < len(cores) else None


@contextmanager
def keep_on_cores(cores: frozenset[int] | None) -> Iterator[None]:
    """Keep this process, and the programs that it starts inside, on these cores; None changes nothing."""
    before = usable_cores()
    move_to_cores(cores)
    try:
        yield
    finally:
        if cores is not None:
            move_to_cores(frozenset(before))


def move_to_cores(cores: frozenset[int] | None) -> None:
    """Move all threads of this process, the libraries' workers too, to these cores; None changes nothing.

    Nothing happens if the system does not allow it.
    """
    with suppress(OSError):
        for task in sysfs.list_folder("/proc/self/task") if cores else ():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task), cores or ())


def leave_inherited_cores() -> None:
    """Move this process off the cores that it inherited to all others that it may use, if there are any."""
    inherited = frozenset(usable_cores())
    online = sysfs.parse_cpu_list(sysfs.read_text(CPUS / "online"))
    if inherited and online:
        with suppress(OSError):
            os.sched_setaffinity(0, online)  # the kernel leaves out what this process must not use
            if others := frozenset(usable_cores()) - inherited:
                os.sched_setaffinity(0, others)
