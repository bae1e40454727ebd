"""The compiled library of this package."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any
from weakref import finalize

from torch import Tensor

from native import Kernels

KERNELS = Kernels("lic_bench.codecs.rans", "rans")
HANDLES = ("rans_tables_new", "rans_encoder_new", "rans_decoder_new", "gaussian_buckets_new")
NUMBERS = ("rans_put", "rans_get", "rans_flush")


class Handle:
    """Something that the library made, which has a place in this process alone: it is neither copied nor pickled."""

    def __init__(self, place: int, delete: Any) -> None:
        """delete: the library's function that takes it back."""
        self.pointer = ctypes.c_void_p(place)
        finalize(self, delete, self.pointer)

    def __deepcopy__(self, _memo: object) -> Handle:
        return self

    def __reduce__(self) -> str:
        raise TypeError("Tables of the entropy coder cannot be pickled; make them where they are needed.")


@cache
def library() -> ctypes.CDLL:
    """The library, its functions declared. Raises OSError where it was not built."""
    opened: ctypes.CDLL = KERNELS.library()
    for names, result in ((HANDLES, ctypes.c_void_p), (NUMBERS, ctypes.c_int64)):
        for name in names:
            getattr(opened, name).restype = result
    return opened


def pointer(values: Tensor) -> ctypes.c_void_p:
    """Where the values of a contiguous tensor on the CPU are."""
    return ctypes.c_void_p(values.data_ptr())
