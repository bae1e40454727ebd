"""Peak memory of a call: of torch's allocator, by the driver, and resident in the process and its programs."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

import psutil
import torch
from torch import nn

from lic_bench.measurement.conditions import uuid_of
from lic_bench.measurement.side import Side, highest, side_of

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
    """What fn returns, and name -> bytes of its peak; what a system does not tell is absent.

    cuda: "allocated" and "reserved" by torch's allocator, all loaded codecs included, and their "..._growth" over what
        was there before; "nvml_process" by the driver, which also has CUDA's context and what goes past torch, and
        "nvml_device", which has other processes too.
    everywhere: "rss" of the whole process, "rss_growth"; "children_rss": all programs that it started, where any did.
    The rss is the kernel's high-water mark on Linux, elsewhere sampled, as "nvml_..." and "children_rss" are: every
    5 ms by a side process that starts with the first call here (see measurement/side.py).
    A codec's own peak is its weights (`weights_bytes`) and the growth.
    """
    side = side_of(uuid_of(device))
    _give_freed_memory_back(device)
    before = _reset_peak_rss()
    with _sampling(side) as sampled:
        out, memory = _peak_cuda(fn, device) if device.type == "cuda" else (fn(), {})
    return out, memory | _host(before, sampled) | _others(sampled)


@contextmanager
def _sampling(side: Side | None) -> Iterator[dict[str, int]]:
    """The side process samples inside; what it found is in the dictionary afterwards."""
    found: dict[str, int] = {}
    if side:
        side.begin()
    try:
        yield found
    finally:
        found |= side.end() if side else {}


def _host(before: int | None, sampled: Mapping[str, int]) -> dict[str, int]:
    exact = highest("self") if before is not None else None
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


_EXHAUSTED = (
    "can't allocate memory",  # torch's allocator on the CPU
    "out of memory",  # CUDA's own calls, and extensions that go past torch
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED
    "allocation_failed",  # CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, and HOST
    "std::bad_alloc",
)
# What also has other causes, as a type that cuDNN lacks: it needs evidence.
_NO_ENGINE = "unable to find an engine"  # torch tried all of cuDNN's, each of which may have had no workspace
_NO_HANDLE = "_status_not_initialized"  # of cublasCreate and cudnnCreate
_HANDLE_BYTES = 2**28  # of a GPU's memory, with which a handle and its kernels can be had


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory, of the host or of the GPU, has run out. See `exhaustion_told` too."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _EXHAUSTED)


@contextmanager
def exhaustion_told(device: torch.device) -> Iterator[None]:
    """What CUDA's libraries make of a lack of memory inside is raised as torch.OutOfMemoryError, in their words."""
    before = _refusals(device)
    try:
        yield
    except RuntimeError as error:
        text = str(error).lower()
        refused = (_NO_ENGINE in text or _NO_HANDLE in text) and _refusals(device) > before
        if not refused and not (_NO_HANDLE in text and _is_full(device)):
            raise
        words = str(error)
    else:
        return
    raise torch.OutOfMemoryError(words)


def _refusals(device: torch.device) -> int:
    """How often torch's allocator had no memory to give, also where somebody caught its exception."""
    return int(torch.cuda.memory_stats(device).get("num_ooms", 0)) if device.type == "cuda" else 0


def _is_full(device: torch.device) -> bool:
    """Whether the libraries, which ask the driver and not torch, find hardly any memory."""
    if device.type != "cuda":
        return False
    try:
        return int(torch.cuda.mem_get_info(device)[0]) < _HANDLE_BYTES
    except RuntimeError:  # nothing works any more, whatever came first
        return False
