"""Counters and gauges of the processor and its users, read in a fraction of a millisecond, absent if unknown."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lic_bench.machine import sysfs
from lic_bench.machine.core_affinity import usable_cores
from lic_bench.machine.cpu import CPUS, EnergyCounter, energy_folders
from lic_bench.machine.processes import descendants

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_WATCHED_CORES = 16  # whose throttle counts are read: more would make a reading slow and add nothing new


def cpu_seconds(stat: str, cpus: Sequence[int] | None) -> dict[str, float]:
    """ "cpu_total_s", "cpu_busy_s" and "cpu_steal_s" of these CPUs, or for None of all, from the text of /proc/stat.

    The columns are user, nice, system, idle, iowait, irq, softirq, steal (man 5 proc); the guests after them are part
    of user. Busy is neither idle nor stolen: stolen time went to other virtual machines on the same hardware.
    """
    names = {"cpu"} if cpus is None else {f"cpu{number}" for number in cpus}
    rows = [line.split() for line in stat.splitlines() if line.startswith("cpu")]
    columns = [[int(value) for value in row[1:9]] for row in rows if row[0] in names and len(row) >= 9]
    if not columns:
        return {}
    total, idle = sum(map(sum, columns)), sum(row[3] + row[4] for row in columns)
    steal = sum(row[7] for row in columns)
    ticks = {"cpu_total_s": total, "cpu_busy_s": total - idle - steal, "cpu_steal_s": steal}
    return {name: value / TICKS for name, value in ticks.items()}


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """Times and faults of a process and its ended children, from /proc/PID/stat; cpu: where it ran last."""

    seconds: float
    major_faults: int
    cpu: int

    @classmethod
    def parse(cls, text: str) -> ProcessStat:
        """text: of /proc/PID/stat (man 5 proc)."""
        fields = text.rpartition(")")[2].split()  # behind the process's name, which may hold spaces
        return cls(sum(map(int, fields[11:15])) / TICKS, int(fields[9]) + int(fields[10]), int(fields[36]))


class HostSensors:
    """Counters and gauges of this machine. "Own" is what this process and all that it started use."""

    def __init__(self) -> None:
        usable = usable_cores()
        self.cpus = usable if usable and len(usable) < (os.cpu_count() or 0) else None
        self._throttles = throttle_files(usable)
        self._packages = [EnergyCounter(folder) for folder in energy_folders()]
        self._waited_by: dict[int, float] = {}  # living process -> seconds
        self._waited_s = 0.0

    def read(self) -> tuple[dict[str, float], dict[str, float]]:
        """Counters, which only grow, and gauges, which go up and down.

        cpu_mhz: the highest clock of the CPUs that our processes ran on last, so that of the one that works.
        """
        children = descendants(os.getpid()) if sys.platform == "linux" else []
        texts = (sysfs.read_text(f"/proc/{pid}/stat") for pid in children)
        stats = [ProcessStat.parse(text) for text in texts if text]
        own = sysfs.read_text("/proc/self/stat")
        counters = {
            **cpu_seconds(sysfs.read_text("/proc/stat") or "", self.cpus),
            **_usage(stats),
            **_swapped(),
            **self._add_waits([os.getpid(), *children]),
        }
        counts = [count for file in self._throttles if (count := sysfs.read_int(file)) is not None]
        counters |= {"cpu_throttles": float(sum(counts))} if counts else {}
        energy = self.package_j()
        counters |= {"cpu_package_j": energy} if energy is not None else {}
        return counters, _gauges([ProcessStat.parse(own), *stats] if own else stats)

    def package_j(self) -> float | None:
        """Joules that all processor packages have used since this object was made; None if they cannot be read."""
        joules = [energy for package in self._packages if (energy := package.joules()) is not None]
        return sum(joules) if joules else None

    def _add_waits(self, pids: Sequence[int]) -> dict[str, float]:
        """The waits since the first reading, added up at every reading: the count of a process goes when it ends."""
        now = {pid: seconds for pid in pids if (seconds := seconds_waited(pid)) is not None}
        self._waited_s += sum(max(0.0, seconds - self._waited_by.get(pid, 0.0)) for pid, seconds in now.items())
        self._waited_by = now
        return {"cpu_waited_s": self._waited_s} if now else {}


def throttle_files(cpus: Sequence[int]) -> list[Path]:
    """The files that count how often one of these cores, or its whole package, was too hot."""
    packages = {sysfs.read_text(CPUS / f"cpu{n}/topology/physical_package_id"): n for n in reversed(cpus)}
    files = [CPUS / f"cpu{n}/thermal_throttle/package_throttle_count" for n in packages.values()]
    files += [CPUS / f"cpu{n}/thermal_throttle/core_throttle_count" for n in cpus[:_WATCHED_CORES]]
    return [file for file in files if file.exists()]


def seconds_waited(pid: int) -> float | None:
    """Seconds that a process's threads were ready to run while others ran; None if there is no schedstat."""
    files = (f"/proc/{pid}/task/{thread}/schedstat" for thread in sysfs.list_folder(f"/proc/{pid}/task"))
    rows = [text.split() for file in files if (text := sysfs.read_text(file))]
    return sum(int(row[1]) for row in rows) / 1e9 if rows else None


def _usage(stats: Sequence[ProcessStat]) -> dict[str, float]:
    """CPU seconds and page faults of this process, its ended children, and those that live."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "cpu_own_s": sum(u.ru_utime + u.ru_stime for u in usages) + sum(stat.seconds for stat in stats),
        "major_faults": float(sum(u.ru_majflt for u in usages) + sum(stat.major_faults for stat in stats)),
    }


def _swapped() -> dict[str, float]:
    rows = [line.split() for line in (sysfs.read_text("/proc/vmstat") or "").splitlines() if line.startswith("pswp")]
    return {"swapped_pages": float(sum(int(row[1]) for row in rows))} if rows else {}


def _gauges(stats: Sequence[ProcessStat]) -> dict[str, float]:
    load = {"load_1m": os.getloadavg()[0]} if hasattr(os, "getloadavg") else {}
    files = (CPUS / f"cpu{cpu}/cpufreq/scaling_cur_freq" for cpu in {stat.cpu for stat in stats})
    clocks = [khz for file in files if (khz := sysfs.read_int(file))]
    return load | ({"cpu_mhz": max(clocks) / 1e3} if clocks else {})
