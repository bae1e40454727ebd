"""Peak memory of one call: torch's allocator on a GPU, resident memory of the process on a CPU."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import psutil
import torch
from torch import nn

R = TypeVar("R")


def weights_bytes(module: nn.Module) -> int:
    """Bytes of all parameters and buffers, each counted once."""
    tensors = {t.data_ptr(): t.numel() * t.element_size() for t in [*module.parameters(), *module.buffers()]}
    return sum(tensors.values())


_MMAP_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -4, -3, -1  # of glibc's mallopt
_KEPT_BYTES = 2**30


@cache
def keep_freed_memory() -> bool:
    """Let the C library keep freed blocks up to 1 GiB for the next use; False where it does not let itself be told.

    By default it returns blocks of 32 MiB or more to the system each time, and every large operator's result is then
    mapped anew, page by page: a quarter of LALIC's time on a CPU. `peak` gives the kept memory back before it measures.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # TypeError: Windows
        return False
    # glibc before 2.35 takes no threshold above 32 MiB, but can be told to map nothing
    mapped = mallopt(_MMAP_THRESHOLD, _KEPT_BYTES) or mallopt(_MMAP_MAX, 0)
    return bool(mapped) and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))


def peak(fn: Callable[[], R], device: torch.device) -> tuple[R, dict[str, int]]:
    """What fn returns, and name -> bytes of its peak.

    cuda: "allocated" by torch's allocator, all loaded codecs included; "allocated_growth" and "reserved_growth" over
        what was there before. cpu (Linux): "rss" of the whole process and "rss_growth"; {} where it cannot be read.
    A codec's own peak is its weights (`weights_bytes`) and the growth.
    """
    if device.type == "cuda":
        return _peak_cuda(fn, device)
    before = _reset_peak_rss()
    if before is None:
        return fn(), {}
    out = fn()
    highest = _peak_rss() or before
    return out, {"rss": highest, "rss_growth": max(0, highest - before)}


def _peak_cuda(fn: Callable[[], R], device: torch.device) -> tuple[R, dict[str, int]]:
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()  # blocks that others left would be reused without being counted as reserved
    torch.cuda.reset_peak_memory_stats(device)
    allocated, reserved = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
    out = fn()
    torch.cuda.synchronize(device)
    highest = torch.cuda.max_memory_allocated(device)
    return out, {
        "allocated": highest,
        "allocated_growth": highest - allocated,
        "reserved_growth": torch.cuda.max_memory_reserved(device) - reserved,
    }


def _reset_peak_rss() -> int | None:
    """Give freed memory back and start a new high-water mark; the resident bytes now."""
    if sys.platform != "linux":
        return None
    try:
        ctypes.CDLL(None).malloc_trim(0)  # else a later call hides in pages that an earlier one left
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError):
        return None
    return int(psutil.Process().memory_info().rss)


def _peak_rss() -> int | None:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None
