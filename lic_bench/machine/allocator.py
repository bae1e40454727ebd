"""The C library's allocator: whether it keeps freed memory for the next use."""

from __future__ import annotations

import ctypes
from functools import cache

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
