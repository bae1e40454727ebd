"""What machine and software a run was made with: all of it, and the part that must not change within a run."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch

from lic_bench import __version__
from lic_bench.measurement.memory import keep_freed_memory

CODING_PACKAGES = ("compressai", "numpy", "pillow", "pillow-jxl-plugin")  # another version may code other bytes
PACKAGES = (
    "torch",
    "torchvision",
    "compressai",
    "numpy",
    "pillow",
    "pillow-jxl-plugin",
    "pytorch-msssim",
    "scipy",
    "thop",
)


def describe(device: torch.device) -> dict[str, Any]:
    """Hardware, system, packages and settings, as they are now."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "lic_bench": __version__,
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpu": _cpu_model(),
        "cores_physical": psutil.cpu_count(logical=False),
        "cores_logical": psutil.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)) if sys.platform == "linux" else psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "gpu": _gpu(device),
        "packages": {name: _version(name) for name in PACKAGES} | {"torch": torch.__version__},
        "settings": {
            "cudnn.deterministic": torch.backends.cudnn.deterministic,
            "cudnn.benchmark": torch.backends.cudnn.benchmark,
            "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
            "matmul.allow_tf32": torch.backends.cuda.matmul.allow_tf32,
            "freed_memory_kept": keep_freed_memory(),
        },
    }


def fingerprint(environment: dict[str, Any]) -> dict[str, Any]:
    """The part of `describe` under which times of one run may stand side by side."""
    gpu = environment["gpu"] or {}
    return {
        "cpu": environment["cpu"],
        "cores_usable": environment["cores_usable"],
        "gpu": gpu.get("name"),
        "driver": gpu.get("driver"),
        "torch": environment["packages"]["torch"],
        "packages": {name: environment["packages"][name] for name in CODING_PACKAGES},
        "lic_bench": environment["lic_bench"],
    }


def prepare(device: torch.device, threads: int | None) -> None:
    """The protocol's settings for this process: deterministic, no TF32, a fixed number of threads, memory kept."""
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _gpu(device: torch.device) -> dict[str, Any] | None:
    if device.type != "cuda":
        return None
    properties = torch.cuda.get_device_properties(device)
    return {
        "name": properties.name,
        "memory_bytes": properties.total_memory,
        "capability": f"{properties.major}.{properties.minor}",
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]  # torch leaves it untyped
    }


def _driver() -> str | None:
    import pynvml

    try:
        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return None


def _git_commit() -> str | None:
    home = Path(__file__).resolve().parent.parent
    if not (home / ".git").exists():
        return None
    command = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
