"""Peak memory of a call: by torch's allocator, by the driver, and resident in the process and its programs."""

import ctypes
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil
import torch
from torch import nn

from lic_bench.machine.gpu import uuid_of
from lic_bench.machine.processes import peak_resident_bytes
from lic_bench.measurement.memory_sampler import shared_sampler

R = TypeVar("R")


def bytes_of_weights(module: nn.Module) -> int:
    """Bytes of all parameters and buffers, each counted once."""
    tensors = {t.data_ptr(): t.numel() * t.element_size() for t in [*module.parameters(), *module.buffers()]}
    return sum(tensors.values())


def measure_peak_memory(fn: Callable[[], R], device: torch.device) -> tuple[R, dict[str, int]]:
    """What fn returns, and name -> peak bytes; what a system does not tell is absent.

    cuda: "allocated" and "reserved" by torch's allocator, all loaded codecs included, and their "..._growth" over what
        was there before; "nvml_process" by the driver, with CUDA's context and what torch did not allocate, and
        "nvml_device", with other processes too.
    everywhere: "rss" of the whole process, "rss_growth"; "children_rss" of all programs that it started, if any.
    The rss is the kernel's high-water mark on Linux. Elsewhere it is sampled every 5 ms, as "nvml_..." and
    "children_rss" are everywhere, by a process that starts with the first call (see memory_sampler.py).
    A codec's own peak is its weights (`bytes_of_weights`) and the growth.
    """
    sampler = shared_sampler(uuid_of(device))
    release_freed_memory(device)
    rss_before = _reset_peak_rss()
    if sampler:
        sampler.begin()
    try:
        out, cuda_peaks = _peak_cuda(fn, device) if device.type == "cuda" else (fn(), {})
    finally:
        sampled = sampler.end() if sampler else {}
    return out, cuda_peaks | _rss_peak(rss_before, sampled) | _sampled_peaks(sampled)


def _rss_peak(before: int | None, sampled: Mapping[str, int]) -> dict[str, int]:
    """before: the resident bytes when the kernel's high-water mark was reset; None: take the sampled peak."""
    exact = peak_resident_bytes("self") if before is not None else None
    before, highest = (before, exact) if exact else (sampled.get("rss_before"), sampled.get("rss"))
    if before is None or highest is None:
        return {}
    return {"rss": highest, "rss_growth": max(0, highest - before)}


def _sampled_peaks(sampled: Mapping[str, int]) -> dict[str, int]:
    """The peaks that are sampled on every system."""
    peaks = {name: sampled[name] for name in ("nvml_process", "nvml_device") if name in sampled}
    if "nvml_process_before" in sampled:
        peaks["nvml_process_growth"] = max(0, sampled["nvml_process"] - sampled["nvml_process_before"])
    return peaks | ({"children_rss": sampled["children_rss"]} if sampled.get("children_rss") else {})


def _peak_cuda(fn: Callable[[], R], device: torch.device) -> tuple[R, dict[str, int]]:
    torch.cuda.reset_peak_memory_stats(device)
    allocated, reserved = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
    out = fn()
    torch.cuda.synchronize(device)
    peak_allocated, peak_reserved = torch.cuda.max_memory_allocated(device), torch.cuda.max_memory_reserved(device)
    return out, {
        "allocated": peak_allocated,
        "allocated_growth": peak_allocated - allocated,
        "reserved": peak_reserved,
        "reserved_growth": peak_reserved - reserved,
    }


def release_freed_memory(device: torch.device) -> None:
    """Return freed memory to the system; else a call that uses what an earlier one has freed shows no growth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
    with suppress(OSError, AttributeError, TypeError):  # only glibc has it; TypeError: Windows
        ctypes.CDLL(None).malloc_trim(0)


def _reset_peak_rss() -> int | None:
    """Reset the kernel's high-water mark; the resident bytes now, or None if there is no such mark."""
    if sys.platform != "linux":
        return None
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return int(psutil.Process().memory_info().rss)
