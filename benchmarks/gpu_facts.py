"""What machine this is and how its GPU is just now, as JSON.

    python benchmarks/gpu_facts.py cuda

Exit code 2 and one line where torch finds no such device.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import torch

from lalic.biwkv import kernels_on
from lalic.biwkv.__main__ import device_name, folder_name
from lic_bench.machine import gpu, nvml
from lic_bench.machine.gpu import uuid_of
from lic_bench.measurement.gpu_meter import GpuMeter

PACKAGES = ("numpy", "compressai", "cuda-bindings", "nvidia-ml-py", "triton")


def main() -> int:
    device = torch.device(sys.argv[1])
    if device.type == "cuda" and not torch.cuda.is_available():
        print("torch finds no CUDA device: the GPU check needs one.", file=sys.stderr)
        return 2
    facts = {
        "device": device_name(device),
        "folder": folder_name(device),
        "biwkv": kernels_on(device),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "gpu": gpu.describe(device),
        "now": {"time": datetime.now(UTC).isoformat(timespec="seconds"), **_now(device)},
    }
    print(json.dumps(facts))
    return 0


def _version(name: str) -> str | None:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    return None


def _now(device: torch.device) -> dict[str, Any]:
    """Clock, temperature, power and why the clock is not the highest; {} where NVML does not tell."""
    found = nvml.find(uuid_of(device))
    return {**GpuMeter(found, os.getpid()).gauges(), "gpu_reasons": found.reasons()} if found else {}


if __name__ == "__main__":
    sys.exit(main())
