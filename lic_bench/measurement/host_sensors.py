"""What the processor and its other users do, read in a fraction of a millisecond; each number absent if untold."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lic_bench.machine import sysfs
from lic_bench.machine.process_tree import descendants

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
CPU = Path("/sys/devices/system/cpu")
RAPL = Path("/sys/class/powercap")
_WATCHED_CORES = 16  # whose throttle counts are read: more would make a reading slow and add nothing new


def cpu_seconds(stat: str, cpus: Sequence[int] | None) -> dict[str, float]:
    """From /proc/stat: "cpu_total_s", "cpu_busy_s" and "cpu_steal_s" of these CPUs, of all for None; {} if untold.

    Its columns are user, nice, system, idle, iowait, irq, softirq, steal (man 5 proc); the guests after them are in
    user already. Busy is neither idle nor stolen: stolen time belongs to other machines on the same hardware.
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
    """Of one /proc/PID/stat (man 5 proc), that of children that have ended included; cpu: the one it ran on last."""

    seconds: float
    major_faults: int
    cpu: int

    @classmethod
    def parse(cls, text: str) -> ProcessStat:
        """The fields are counted from behind the process's name, which may hold anything."""
        fields = text.rpartition(")")[2].split()
        return cls(sum(map(int, fields[11:15])) / TICKS, int(fields[9]) + int(fields[10]), int(fields[36]))


class HostSensors:
    """Counters and gauges of this machine. Ours is what this process and all that it started take."""

    def __init__(self) -> None:
        usable = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
        self.cpus = usable if usable and len(usable) < (os.cpu_count() or 0) else None
        self._throttles = throttle_files(usable)
        self._packages = [EnergyCounter(folder) for folder in energy_folders()]
        self._waited: dict[int, float] = {}  # process -> seconds, of the living
        self._waited_s = 0.0

    def read(self) -> tuple[dict[str, float], dict[str, float]]:
        """Counters, which only grow: the difference of two readings counts. Gauges, of which the range counts.

        cpu_mhz: the highest of the CPUs that our processes ran on last, so that of the one that works.
        """
        below = descendants(os.getpid()) if sys.platform == "linux" else []
        texts = (sysfs.read_text(f"/proc/{pid}/stat") for pid in below)
        stats = [ProcessStat.parse(text) for text in texts if text]
        own = sysfs.read_text("/proc/self/stat")
        counters = {
            **cpu_seconds(sysfs.read_text("/proc/stat") or "", self.cpus),
            **_usage(stats),
            **_swapped(),
            **self._all_waited([os.getpid(), *below]),
        }
        counts = [count for file in self._throttles if (count := sysfs.read_int(file)) is not None]
        counters |= {"cpu_throttles": float(sum(counts))} if counts else {}
        energy = self.package_j()
        counters |= {"cpu_package_j": energy} if energy is not None else {}
        return counters, _gauges([ProcessStat.parse(own), *stats] if own else stats)

    def package_j(self) -> float | None:
        """Joules that all processor packages have used since this meter began; None where that is not to be read."""
        read = [energy for package in self._packages if (energy := package.joules()) is not None]
        return sum(read) if read else None

    def _all_waited(self, pids: Sequence[int]) -> dict[str, float]:
        """Added up from reading to reading, as a process takes its count along when it ends."""
        now = {pid: seconds for pid in pids if (seconds := seconds_waited(pid)) is not None}
        self._waited_s += sum(max(0.0, seconds - self._waited.get(pid, 0.0)) for pid, seconds in now.items())
        self._waited = now
        return {"cpu_waited_s": self._waited_s} if now else {}


class EnergyCounter:
    """The energy of one processor package by RAPL, in joules since the object was made; its counter overflows."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self._range = sysfs.read_int(folder / "max_energy_range_uj") or 0
        self._last = sysfs.read_int(self._file)
        self._used = 0

    def joules(self) -> float | None:
        """None where only the administrator may read it, as on most systems."""
        now = sysfs.read_int(self._file)
        if now is None or self._last is None:
            return None
        self._used += now - self._last + (self._range if now < self._last else 0)
        self._last = now
        return self._used / 1e6


def energy_folders() -> list[Path]:
    """RAPL's packages: not the parts of one, nor the domains beside them."""
    folders = sorted(RAPL.glob("intel-rapl:*"))
    return [folder for folder in folders if (sysfs.read_text(folder / "name") or "").startswith("package")]


def throttle_files(cpus: Sequence[int]) -> list[Path]:
    """How often a core of these, or a whole package, was too hot: one file each."""
    packages = {sysfs.read_text(CPU / f"cpu{n}/topology/physical_package_id"): n for n in reversed(cpus)}
    files = [CPU / f"cpu{n}/thermal_throttle/package_throttle_count" for n in packages.values()]
    files += [CPU / f"cpu{n}/thermal_throttle/core_throttle_count" for n in cpus[:_WATCHED_CORES]]
    return [file for file in files if file.exists()]


def seconds_waited(pid: int) -> float | None:
    """Seconds that a process's threads were ready to run while others ran; the kernel counts ns in schedstat."""
    files = (f"/proc/{pid}/task/{thread}/schedstat" for thread in sysfs.list_folder(f"/proc/{pid}/task"))
    rows = [text.split() for file in files if (text := sysfs.read_text(file))]
    return sum(int(row[1]) for row in rows) / 1e9 if rows else None


def _usage(stats: Sequence[ProcessStat]) -> dict[str, float]:
    """This process, its children that have ended, and those that live."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "cpu_own_s": sum(u.ru_utime + u.ru_stime for u in usages) + sum(stat.seconds for stat in stats),
        "major_faults": float(sum(u.ru_majflt for u in usages) + sum(stat.major_faults for stat in stats)),
    }


def _swapped() -> dict[str, float]:
    rows = [line.split() for line in (sysfs.read_text("/proc/vmstat") or "").splitlines() if line.startswith("pswp")]
    return {"swapped_pages": float(sum(int(row[1]) for row in rows))} if rows else {}


def _gauges(stats: Sequence[ProcessStat]) -> dict[str, float]:
    found = {"load_1m": os.getloadavg()[0]} if hasattr(os, "getloadavg") else {}
    files = (CPU / f"cpu{cpu}/cpufreq/scaling_cur_freq" for cpu in {stat.cpu for stat in stats})
    clocks = [khz for file in files if (khz := sysfs.read_int(file))]
    return found | ({"cpu_mhz": max(clocks) / 1e3} if clocks else {})
