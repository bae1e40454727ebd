"""The processor: its model, what of it this process may use, the limits of its clocks, and the energy it uses."""

import os
import platform
import sys
from pathlib import Path
from typing import Any

import psutil

from lic_bench.machine import sysfs

CPUS = Path("/sys/devices/system/cpu")
RAPL = Path("/sys/class/powercap")


def cpu_model_name() -> str:
    """The maker's name for the processor, or as much as the system tells."""
    return _cpuinfo("model name") or _cpuinfo("Hardware") or platform.processor() or platform.machine()


def describe_cpu() -> dict[str, Any]:
    """Plain JSON values, None if unknown. affinity: the CPUs this process may use, "0-3,8"; clocks: of the first."""
    affinity = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    first = affinity[0] if affinity else 0
    clock, siblings = CPUS / f"cpu{first}/cpufreq", CPUS / f"cpu{first}/topology/thread_siblings_list"
    cpus = sysfs.parse_cpu_list(sysfs.read_text(CPUS / "online"))
    return {
        "architecture": platform.machine(),
        "vendor": _cpuinfo("vendor_id"),
        "family_model_stepping": [_cpuinfo_number(name) for name in ("cpu family", "model", "stepping")],
        "microcode": _cpuinfo("microcode"),
        "sockets": _count_values(cpus, "topology/physical_package_id"),
        "cores_physical": psutil.cpu_count(logical=False),
        "threads_per_core": len(sysfs.parse_cpu_list(sysfs.read_text(siblings))) or None,
        "smt": None if (active := sysfs.read_int(CPUS / "smt/active")) is None else bool(active),
        "numa_nodes": len(sysfs.parse_cpu_list(sysfs.read_text("/sys/devices/system/node/online"))) or None,
        "caches_bytes": cache_sizes(first),
        "affinity": sysfs.format_cpu_list(affinity) or None,
        "isolated": sysfs.read_text(CPUS / "isolated") or None,
        "driver": sysfs.read_text(clock / "scaling_driver"),
        "governor": sysfs.read_text(clock / "scaling_governor"),
        "preference": sysfs.read_text(clock / "energy_performance_preference"),
        "min_mhz": _mhz(clock / "scaling_min_freq"),
        "max_mhz": _mhz(clock / "scaling_max_freq"),
        "hardware_max_mhz": _mhz(clock / "cpuinfo_max_freq"),
        "now_mhz": _mhz(clock / "scaling_cur_freq") or _cpuinfo_number("cpu MHz"),
        "turbo": turbo_allowed(sysfs.read_int(CPUS / "intel_pstate/no_turbo"), sysfs.read_int(CPUS / "cpufreq/boost")),
        "idle_driver": sysfs.read_text(CPUS / "cpuidle/current_driver"),
        "virtual": "hypervisor" in (_cpuinfo("flags") or "").split(),
    }


def turbo_allowed(no_turbo: int | None, boost: int | None) -> bool | None:
    """Whether clocks above the nominal one are allowed, by Intel's switch or the general one; None if unknown."""
    if no_turbo is not None:
        return not no_turbo
    return None if boost is None else bool(boost)


def cache_sizes(cpu: int) -> dict[str, int]:
    """Name -> bytes of the caches of this CPU, as {"l1_data": 32768, "l2": 1048576}."""
    sizes = {}
    for index in sorted((CPUS / f"cpu{cpu}/cache").glob("index*")):
        level, kind, size = (sysfs.read_text(index / name) or "" for name in ("level", "type", "size"))
        if size.endswith("K") and size[:-1].isdigit():
            sizes[f"l{level}" if kind == "Unified" else f"l{level}_{kind.lower()}"] = int(size[:-1]) * 1024
    return sizes


class EnergyCounter:
    """The joules of one package since the object was made, by the kernel's RAPL counter, although that overflows."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self._range_uj = sysfs.read_int(folder / "max_energy_range_uj") or 0
        self._last_uj = sysfs.read_int(self._file)
        self._used_uj = 0

    def joules(self) -> float | None:
        """None if only the administrator may read the counter, as on most systems."""
        now_uj = sysfs.read_int(self._file)
        if now_uj is None or self._last_uj is None:
            return None
        self._used_uj += now_uj - self._last_uj + (self._range_uj if now_uj < self._last_uj else 0)
        self._last_uj = now_uj
        return self._used_uj / 1e6


def energy_folders() -> list[Path]:
    """The folders of RAPL's packages, without the parts of a package and the domains beside them."""
    folders = sorted(RAPL.glob("intel-rapl:*"))
    return [folder for folder in folders if (sysfs.read_text(folder / "name") or "").startswith("package")]


def _cpuinfo(name: str) -> str | None:
    """The first value of this name in /proc/cpuinfo; None if there is none."""
    for line in (sysfs.read_text("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _cpuinfo_number(name: str) -> float | int | None:
    text = _cpuinfo(name)
    try:
        return None if text is None else float(text) if "." in text else int(text)
    except ValueError:
        return None


def _count_values(cpus: list[int], file: str) -> int | None:
    """How many different values this file has over the CPUs."""
    return len({value for cpu in cpus if (value := sysfs.read_text(CPUS / f"cpu{cpu}/{file}")) is not None}) or None


def _mhz(file: Path) -> float | None:
    khz = sysfs.read_int(file)
    return None if khz is None else khz / 1e3
