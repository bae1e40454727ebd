"""What machine and software a run was made with: all of it for run.json, and the part that must not change in a run.

It is published with the results, so it has no name of a machine or a person, no path and no raw UUID.
"""

import os
from datetime import UTC, datetime
from typing import Any

import psutil
import torch

from lic_bench import __version__
from lic_bench.codecs.image_library_versions import library_versions
from lic_bench.machine import cpu, gpu, operating_system, software, sysfs
from lic_bench.machine.allocator import keep_freed_memory
from lic_bench.machine.published_settings import published_command_line

FINGERPRINT_PACKAGES = ("compressai", "numpy", "pillow", "pillow-jxl-plugin")  # another version may write other bytes
# On these depend the clocks and the number of threads that compute, so all times.
FINGERPRINT_PROCESSOR = (
    *("governor", "driver", "preference", "min_mhz", "max_mhz", "turbo", "smt"),
    *("sockets", "cores_physical", "numa_nodes"),
)
FINGERPRINT_GPU = (
    *("name", "driver", "kind", "mig", "memory_bytes", "power_limit_w", "clocks_applied_mhz", "ecc", "cuda", "cudnn"),
)
FINGERPRINT_VARIABLES = (
    *("OMP_", "GOMP_", "KMP_", "MKL_", "ONEDNN_", "DNNL_", "ATEN_", "NVIDIA_TF32", "CUBLAS", "MALLOC_", "LD_PRELOAD"),
)


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Hardware, system, packages and settings as they are now: plain JSON values, None if unknown."""
    processor = cpu.describe_cpu()
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "lic_bench": __version__,
        "git_commit": software.git_commit(),
        "command": published_command_line(),
        "cpu": cpu.cpu_model_name(),
        "cores_physical": processor["cores_physical"],
        "cores_logical": psutil.cpu_count(),
        "cores_usable": len(sysfs.parse_cpu_list(processor["affinity"])) or psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "processor": processor,
        "gpu": gpu.describe_gpu(device),
        **operating_system.describe_system(),
        **software.describe_software(),
        "coders": library_versions(),
        "settings": software.torch_settings() | {"freed_memory_kept": keep_freed_memory()},
    }


def environment_fingerprint(environment: dict[str, Any]) -> dict[str, Any]:
    """The part of `describe_environment` that must be equal for times to be compared within one run.

    It is the same on two machines of one kind, as nothing in it changes by itself: no current clock, no load.
    """
    gpu_facts = environment["gpu"] or {}
    variables = environment["variables"]
    return {
        "cpu": environment["cpu"],
        "cores_usable": environment["cores_usable"],
        "cpu_capability": environment["cpu_capability"],
        "processor": {name: environment["processor"][name] for name in FINGERPRINT_PROCESSOR},
        "limits": {name: environment["container"][name] for name in ("cpu_limit", "memory_limit_bytes")},
        "gpu": gpu_facts.get("name"),
        "driver": gpu_facts.get("driver"),
        "gpu_parts": {name: gpu_facts.get(name) for name in FINGERPRINT_GPU if name not in ("name", "driver")},
        "torch": environment["packages"]["torch"],
        "torch_build": environment["torch_build"]["sha256"],
        "settings": environment["settings"],
        "variables": {name: value for name, value in variables.items() if name.startswith(FINGERPRINT_VARIABLES)},
        "packages": {name: environment["packages"][name] for name in FINGERPRINT_PACKAGES},
        "coders": environment["coders"],
        "lic_bench": environment["lic_bench"],
    }


def apply_protocol_settings(device: torch.device, threads: int | None) -> None:
    """Set this process up as the protocol says: deterministic, no TF32, fixed threads, freed memory kept."""
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
