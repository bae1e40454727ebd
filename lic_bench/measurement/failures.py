"""What goes wrong while a codec is measured: its own failures, memory that runs out, and both in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lic_bench.errors import UserError

OUT_OF_MEMORY = "out of memory"


def describe(error: Exception) -> str:
    """An exception in one line; its class is named unless the message was written for users."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, UserError | CodecFailure):
        return text
    if is_out_of_memory(error):
        return f"{OUT_OF_MEMORY}: {text}"[:500]
    return f"{type(error).__name__}: {text}"[:500]


class CodecFailure(Exception):
    """The codec broke its contract; the message becomes the record's error."""


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
