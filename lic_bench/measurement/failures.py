"""How a codec can fail: the exception for a broken contract, and the kind and the one line that a record keeps."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from lic_bench.errors import UserError
from lic_bench.store.records import FailureKind
from lic_bench.system.programs import ProgramTimeout

LONGEST = 500  # characters of a message that other people's code wrote
_EXHAUSTED = (
    "can't allocate memory",  # torch's allocator on the CPU
    "out of memory",  # CUDA's own calls, and extensions that go past torch
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED
    "allocation_failed",  # CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, and HOST
    "std::bad_alloc",
)
# These also have other causes, as a type that cuDNN lacks, and count only with evidence beside them.
_NO_ENGINE = "unable to find an engine"  # torch tried all of cuDNN's, each of which may have had no workspace
_NO_HANDLE = "_status_not_initialized"  # of cublasCreate and cudnnCreate
_HANDLE_BYTES = 2**28  # of a GPU's memory, with which a handle and its kernels can be had


class CodecFailure(Exception):
    """A codec broke its contract, or its process ended. The message is the record's error, `kind` its failure."""

    def __init__(self, message: str, kind: FailureKind = "error") -> None:
        super().__init__(message)
        self.kind: FailureKind = kind


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed record says. message: one line."""

    kind: FailureKind
    message: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The exception's message, with its class unless it was written for users."""
        said = " ".join(str(error).split())
        text = said or type(error).__name__
        if isinstance(error, CodecFailure):
            return cls(error.kind, text)
        if isinstance(error, UserError):
            return cls("timeout" if isinstance(error, ProgramTimeout) else "error", text)
        if is_out_of_memory(error):
            return cls("out_of_memory", f"out of memory: {text}"[:LONGEST])
        return cls("error", f"{type(error).__name__}: {said or _place(error)}"[:LONGEST])


def _place(error: Exception) -> str:
    """Where an exception without a text was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return (
        f"in line {frames[-1].lineno} of {frames[-1].filename}: {frames[-1].line}" if frames else type(error).__name__
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory, of the host or of the GPU, has run out; see `memory_errors_unified`."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _EXHAUSTED)


@contextmanager
def memory_errors_unified(device: torch.device) -> Iterator[None]:
    """Raise errors of CUDA's libraries that come from a lack of memory as torch.OutOfMemoryError, in their words."""
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
    """Whether the libraries, which ask the driver and not torch, get hardly any memory."""
    if device.type != "cuda":
        return False
    try:
        return int(torch.cuda.mem_get_info(device)[0]) < _HANDLE_BYTES
    except RuntimeError:  # nothing works any more, whatever came first
        return False
