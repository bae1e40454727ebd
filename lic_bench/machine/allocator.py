"""The C library's allocator: whether it keeps freed memory for the next use."""

import ctypes
from functools import cache

_MMAP_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -4, -3, -1  # of glibc's mallopt
_KEPT_BYTES = 2**30


@cache
def keep_freed_memory() -> bool:
    """Make the C library keep up to 1 GiB of freed memory for the next use; whether that is possible.

    By default it returns blocks of 32 MiB or more to the system, so that each result of a large operator is mapped
    anew, page by page: a quarter of LALIC's time on a CPU. `measure_peak_memory` returns what is kept beforehand.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # TypeError: Windows
        return False
    # Before glibc 2.35 a threshold above 32 MiB is refused; mapping no block at all has the same effect.
    mapped = mallopt(_MMAP_THRESHOLD, _KEPT_BYTES) or mallopt(_MMAP_MAX, 0)
    return bool(mapped) and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))
