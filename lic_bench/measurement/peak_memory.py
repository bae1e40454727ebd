"""Peak memory of a call: of torch's allocator, by the driver, and resident in the process and its programs."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psutil
import torch
from torch import nn

from lic_bench.machine.gpu import uuid_of
from lic_bench.measurement.memory_sampler import MemorySampler, peak_resident_bytes, shared_sampler

R = TypeVar("R")


def bytes_of_weights(module: nn.Module) -> int:
    """Bytes of all parameters and buffers, each counted once."""
    tensors = {t.data_ptr(): t.numel() * t.element_size() for t in [*module.parameters(), *module.buffers()]}
    return sum(tensors.values())


def measure_peak_memory(fn: Callable[[], R], device: torch.device) -> tuple[R, dict[str, int]]:
    """What fn returns, and name -> bytes of its peak; what a system does not tell is absent.

    cuda: "allocated" and "reserved" by torch's allocator, all loaded codecs included, and their "..._growth" over what
        was there before; "nvml_process" by the driver, which also has CUDA's context and what goes past torch, and
        "nvml_device", which has other processes too.
    everywhere: "rss" of the whole process, "rss_growth"; "children_rss": all programs that it started, where any did.
    The rss is the kernel's high-water mark on Linux, elsewhere sampled, as "nvml_..." and "children_rss" are: every
    5 ms by a side process that starts with the first call here (see measurement/side.py).
    A codec's own peak is its weights (`bytes_of_weights`) and the growth.
    """
    side = shared_sampler(uuid_of(device))
    _give_freed_memory_back(device)
    before = _reset_peak_rss()
    with _sampling(side) as sampled:
        out, memory = _peak_cuda(fn, device) if device.type == "cuda" else (fn(), {})
    return out, memory | _host(before, sampled) | _others(sampled)


@contextmanager
def _sampling(side: MemorySampler | None) -> Iterator[dict[str, int]]:
    """The side process samples inside; what it found is in the dictionary afterwards."""
    found: dict[str, int] = {}
    if side:
        side.begin()
    try:
        yield found
    finally:
        found |= side.end() if side else {}


def _host(before: int | None, sampled: Mapping[str, int]) -> dict[str, int]:
    exact = peak_resident_bytes("self") if before is not None else None
    before, top = (before, exact) if exact else (sampled.get("rss_before"), sampled.get("rss"))
    if before is None or top is None:
        return {}
    return {"rss": top, "rss_growth": max(0, top - before)}


def _others(sampled: Mapping[str, int]) -> dict[str, int]:
    """What only the side process sees; a growth of the process's own as well."""
    found = {name: sampled[name] for name in ("nvml_process", "nvml_device") if name in sampled}
    if "nvml_process_before" in sampled:
        found["nvml_process_growth"] = max(0, sampled["nvml_process"] - sampled["nvml_process_before"])
    return found | ({"children_rss": sampled["children_rss"]} if sampled.get("children_rss") else {})


def _peak_cuda(fn: Callable[[], R], device: torch.device) -> tuple[R, dict[str, int]]:
    torch.cuda.reset_peak_memory_stats(device)
    allocated, reserved = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
    out = fn()
    torch.cuda.synchronize(device)
    highest_allocated, highest_reserved = (
        torch.cuda.max_memory_allocated(device),
        torch.cuda.max_memory_reserved(device),
    )
    return out, {
        "allocated": highest_allocated,
        "allocated_growth": highest_allocated - allocated,
        "reserved": highest_reserved,
        "reserved_growth": highest_reserved - reserved,
    }


def _give_freed_memory_back(device: torch.device) -> None:
    """Else a later call hides in what an earlier one left: blocks of torch's allocator, pages of the C library's."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
    with suppress(OSError, AttributeError, TypeError):  # only glibc has it; TypeError: Windows
        ctypes.CDLL(None).malloc_trim(0)


def _reset_peak_rss() -> int | None:
    """Start a new high-water mark; the resident bytes now. None where there is no mark."""
    if sys.platform != "linux":
        return None
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return int(psutil.Process().memory_info().rss)
