"""The GPU as torch and NVML describe it."""

from typing import Any

import pynvml
import torch

from lic_bench.machine import nvml


def describe_gpu(device: torch.device) -> dict[str, Any] | None:
    """Plain JSON values; None for a CPU. kind: "gpu", or "mig" for a slice of one. id: its UUID, hashed for privacy."""
    if device.type != "cuda":
        return None
    properties = torch.cuda.get_device_properties(device)
    uuid = uuid_of(device)
    return {
        "name": properties.name,
        "count": torch.cuda.device_count(),
        "memory_bytes": properties.total_memory,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "id": nvml.hash_uuid(uuid) if uuid else None,
        "driver": nvml.query("nvmlSystemGetDriverVersion"),
        "cuda": torch.version.cuda,
        "cuda_driver": format_cuda_version(nvml.query("nvmlSystemGetCudaDriverVersion")),
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]  # torch leaves it untyped
        **describe_by_nvml(nvml.find_gpu(uuid)),
    }


def describe_by_nvml(gpu: nvml.Gpu | None) -> dict[str, Any]:
    """Modes, limits and links, with clocks in MHz and power in watts; without a GPU every value is None.

    clocks_locked: True or None, as locked clocks of an idle GPU do not show.
    """

    def query(name: str, *arguments: Any) -> Any:
        return gpu.query(name, *arguments) if gpu else None

    def watts(name: str) -> float | None:
        milliwatts = query(name)
        return None if milliwatts is None else milliwatts / 1e3

    mode = query("ComputeMode")
    sm, memory = pynvml.NVML_CLOCK_SM, pynvml.NVML_CLOCK_MEM
    return {
        "kind": None if gpu is None else gpu.uuid[:3].lower(),
        "mig": feature_enabled(query("MigMode")),
        "ecc": feature_enabled(query("EccMode")),
        "persistence": feature_enabled(query("PersistenceMode")),
        "exclusive": None if mode is None else bool(mode == pynvml.NVML_COMPUTEMODE_EXCLUSIVE_PROCESS),
        "power_limit_w": watts("EnforcedPowerLimit"),
        "power_limit_default_w": watts("PowerManagementDefaultLimit"),
        "clocks_locked": (gpu and gpu.clocks_locked()) or None,
        "clocks_applied_mhz": [query("ApplicationsClock", clock) for clock in (sm, memory)],
        "clocks_default_mhz": [query("DefaultApplicationsClock", clock) for clock in (sm, memory)],
        "clocks_max_mhz": [query("MaxClockInfo", clock) for clock in (sm, memory)],
        "pcie_generation": [query("CurrPcieLinkGeneration"), query("MaxPcieLinkGeneration")],
        "pcie_lanes": [query("CurrPcieLinkWidth"), query("MaxPcieLinkWidth")],
        "vbios": query("VbiosVersion"),
    }


def feature_enabled(mode: Any) -> bool | None:
    """Whether a feature is on. mode: NVML's state of it, alone or as [now, after a restart]."""
    state = mode[0] if isinstance(mode, (list, tuple)) else mode
    return None if state is None else bool(state == pynvml.NVML_FEATURE_ENABLED)


def format_cuda_version(number: int | None) -> str | None:
    """12040 -> "12.4"; None for None."""
    return None if number is None else f"{number // 1000}.{number % 1000 // 10}"


def uuid_of(device: torch.device) -> str | None:
    """The GPU's UUID; None for a CPU."""
    if device.type != "cuda":
        return None
    return str(getattr(torch.cuda.get_device_properties(device), "uuid", "")) or None
