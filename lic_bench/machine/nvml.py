"""Queries of NVIDIA's management library (NVML) about one GPU. Free of torch.

The answer is None, never an exception, without a driver, on a GPU or a slice of one (MIG) that lacks a sensor, and with
a driver that is older than the query.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import psutil
import pynvml

# Why the clocks are not the highest, by the bits of nvml.h: pynvml's names for them changed with the driver's versions.
CLOCK_REASONS = {
    0x1: "idle",
    0x2: "clocks_setting",
    0x4: "power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "power_brake",
    0x100: "display_clocks_setting",
    0x200: "board_limit",
    0x400: "reliability",
}
CLOCKS_SETTING, IDLE = "clocks_setting", "idle"

# The driver refuses; the driver or pynvml has no such function; a name is no valid text, as of some drivers.
_REFUSALS = (pynvml.NVMLError, pynvml.NVMLLibraryMismatchError, AttributeError, OSError, UnicodeDecodeError)


@cache
def library_is_open() -> bool:
    """Open the library until the process ends; False without a driver."""
    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError, OSError):
        return False
    return True


def query(name: str, *arguments: Any) -> Any:
    """The result of pynvml's function of this name; None if pynvml, the driver or the GPU has none."""
    if not library_is_open():
        return None
    try:
        return getattr(pynvml, name)(*arguments)
    except _REFUSALS:
        return None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, or one MIG slice of one; uuid with NVML's prefix."""

    handle: Any
    uuid: str

    def query(self, name: str, *arguments: Any) -> Any:
        """As the function `query` for this GPU: `gpu.query("Name")` calls nvmlDeviceGetName."""
        return query(f"nvmlDeviceGet{name}", self.handle, *arguments)

    def processes(self) -> dict[int, int | None] | None:
        """Process id -> bytes of all that compute on it; bytes are None if the driver does not tell them."""
        listed = self.query("ComputeRunningProcesses")
        return None if listed is None else {int(p.pid): p.usedGpuMemory for p in listed}

    def memory_used(self) -> int | None:
        """Bytes that all processes and the driver hold."""
        info = self.query("MemoryInfo")
        return None if info is None else int(info.used)

    def reasons(self) -> list[str] | None:
        """Why its clocks are not the highest, by the names of CLOCK_REASONS."""
        bits = self.query("CurrentClocksEventReasons")
        bits = self.query("CurrentClocksThrottleReasons") if bits is None else bits  # its name before driver 535
        return None if bits is None else clock_reason_names(int(bits))

    def clocks_locked(self) -> bool | None:
        """Whether somebody has set the clocks: those applied are not the default, or a setting limits them now.

        NVML has no query for `nvidia-smi --lock-gpu-clocks`: under load it shows as "clocks_setting". None if nothing
        shows it and the GPU is idle or does not tell.
        """
        applied_mhz = self.query("ApplicationsClock", pynvml.NVML_CLOCK_SM)
        default_mhz = self.query("DefaultApplicationsClock", pynvml.NVML_CLOCK_SM)
        reasons = self.reasons()
        moved = applied_mhz is not None and default_mhz is not None and applied_mhz != default_mhz
        if moved or CLOCKS_SETTING in (reasons or ()):
            return True
        return None if reasons is None or IDLE in reasons else False


def find_gpu(uuid: str | None) -> Gpu | None:
    """The GPU of this UUID, with or without prefix; None if there is none."""
    bare = _bare(uuid or "")  # a UUID and no number: CUDA_VISIBLE_DEVICES changes those
    for name in (f"GPU-{bare}", f"MIG-{bare}") if bare else ():
        if (handle := query("nvmlDeviceGetHandleByUUID", name.encode())) is not None:
            return Gpu(handle, name)
    return None


def clock_reason_names(bits: int) -> list[str]:
    """The names of the bits that are set, "bit_0x..." for one without a name here."""
    parts = [1 << place for place in range(bits.bit_length()) if bits >> place & 1]
    return [CLOCK_REASONS.get(part, f"bit_{part:#x}") for part in parts]


def count_foreign(pids: Collection[int], own: Collection[int]) -> int | None:
    """How many of the processes on a GPU are not ours; None if the list cannot be right.

    In a container NVML may list the host's ids, which mean nothing here, or no process at all. As ours compute on the
    GPU while something is measured, a list without any of them is not to be believed.
    """
    others = set(pids) - set(own)
    return len(others) if len(others) < len(pids) and all(map(psutil.pid_exists, others)) else None


def bytes_held_by(processes: dict[int, int | None] | None, pids: Iterable[int]) -> int | None:
    """What these processes hold together; None if none of them is listed with its bytes."""
    held = [size for pid in set(pids) if (size := (processes or {}).get(pid)) is not None]
    return sum(held) if held else None


def hash_uuid(uuid: str) -> str:
    """A hash of a UUID, with or without prefix, that may be published: it tells GPUs apart, not which ones they are."""
    return hashlib.sha256(_bare(uuid).lower().encode()).hexdigest()[:12]


def _bare(uuid: str) -> str:
    return uuid.removeprefix("GPU-").removeprefix("MIG-")
