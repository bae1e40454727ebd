"""The operating system: kernel, distribution, container and its limits, swap and pages."""

import platform
import re
from pathlib import Path
from typing import Any

import psutil

from lic_bench.machine import sysfs

CGROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 2**60  # cgroup v1 says so with the largest multiple of a page


def describe_system() -> dict[str, Any]:
    """Plain JSON values, None if unknown. system: kernel, processor and C library. huge_pages: the kernel's choice."""
    return {
        "system": system_name(platform.system(), platform.release(), platform.machine(), platform.libc_ver()),
        "distribution": _distribution(),
        "python": platform.python_version(),
        "python_build": f"{platform.python_implementation()}, {platform.python_compiler()}",
        "container": describe_container(),
        "swap_bytes": psutil.swap_memory().total,
        "huge_pages": bracketed_choice(sysfs.read_text("/sys/kernel/mm/transparent_hugepage/enabled")),
    }


def system_name(name: str, release: str, machine: str, libc: tuple[str, str]) -> str:
    """ "Linux 6.8.0, x86_64, glibc 2.39", without what follows the number in the release, which names a build."""
    number = re.match(r"\d+(\.\d+)*", release)
    return ", ".join(filter(None, (f"{name} {number[0] if number else ''}".strip(), machine, " ".join(libc).strip())))


def describe_container() -> dict[str, Any]:
    """hints: what points to a container. cpu_limit: cores' worth of time; it and memory_limit_bytes: None: no limit."""
    groups = parse_cgroups(sysfs.read_text("/proc/self/cgroup") or "")
    unified = _group_folders(CGROUPS, groups.get("", "/"))
    limits = [parse_cpu_max(sysfs.read_text(folder / "cpu.max")) for folder in unified]
    limits += [_cpu_v1(folder) for folder in _group_folders(CGROUPS / "cpu", groups.get("cpu", "/"))]
    sizes = [sysfs.read_int(folder / "memory.max") for folder in unified]
    memory = _group_folders(CGROUPS / "memory", groups.get("memory", "/"))
    sizes += [sysfs.read_int(folder / "memory.limit_in_bytes") for folder in memory]
    return {
        "hints": _container_hints(),
        "cpu_limit": min((limit for limit in limits if limit), default=None),
        "memory_limit_bytes": min((size for size in sizes if size and size < _UNLIMITED), default=None),
    }


def parse_cgroups(text: str) -> dict[str, str]:
    """/proc/self/cgroup as controller -> path, "" for version 2: "4:cpu,io:/a" is {"cpu": "/a", "io": "/a"}."""
    rows = [line.split(":", 2) for line in text.splitlines()]
    return {name: row[2] for row in rows if len(row) == 3 for name in row[1].split(",")}


def parse_cpu_max(text: str | None) -> float | None:
    """cgroup v2's cpu.max in cores: "150000 100000" -> 1.5, "max 100000" -> None."""
    limit, _, period = (text or "").partition(" ")
    return int(limit) / int(period) if limit.isdigit() and period.isdigit() and int(period) else None


def bracketed_choice(text: str | None) -> str | None:
    """The choice that the kernel marks: "always [madvise] never" -> "madvise"."""
    return None if text is None or "[" not in text else text.partition("[")[2].partition("]")[0]


def _group_folders(root: Path, path: str) -> list[Path]:
    """The group's folder and those above it, each of which may set a limit; inside a container some are not there."""
    folder = root / path.strip("/")
    return [folder, *(p for p in folder.parents if p == root or root in p.parents)]


def _cpu_v1(folder: Path) -> float | None:
    limit, period = (sysfs.read_int(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return limit / period if limit and limit > 0 and period else None


def _container_hints() -> list[str]:
    files = {"/.dockerenv": "docker", "/run/.containerenv": "podman", "/singularity": "singularity"}
    hints = {name for file, name in files.items() if Path(file).exists()}
    text = (sysfs.read_text("/proc/1/cgroup") or "") + (sysfs.read_text("/proc/sys/kernel/osrelease") or "").lower()
    words = ("docker", "kubepods", "lxc", "containerd", "microsoft")
    return sorted(hints | {word for word in words if word in text})


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None
