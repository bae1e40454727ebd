"""Reading a weights file without ever running code from it."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lic_bench.errors import UserError

# NumPy's names of number types -> those of `struct`.
FORMATS = {"b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"}
FORMATS |= {"f2": "e", "f4": "f", "f8": "d"}


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """The content of a weights file: tensors, numbers, text and containers of those; may still be wrapped.

    NumPy's numbers, which training scripts store beside the weights, come as Python's.
    Raises UserError for a file that is not there, is damaged, holds anything else or has no names.
    """
    if not path.is_file():
        raise UserError(f"Weights file {path} is not there; see `lic-bench doctor` for where weights are looked for.")
    try:
        with torch.serialization.safe_globals(NUMPY_NAMES):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a wrong file fails in as many ways as there are formats
        size = path.stat().st_size
        raise UserError(
            f"Weights file {path} ({size} bytes) is no PyTorch state dict of tensors alone ({type(error).__name__}): "
            "get it again, a quota or error page may have been saved instead."
        ) from None
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise UserError(f"Weights file {path} holds a {type(content).__name__}, not a state dict with names.")
    return content


class NumberType:
    """Stands for numpy.dtype while a file is read: NumPy's own could be made to call code or read foreign memory."""

    def __init__(self, name: str, align: bool = False, copy: bool = False) -> None:
        self.format = FORMATS[name]
        self.order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = "=" if state[1] == "|" else state[1]  # single bytes have no order


def number(kind: NumberType, data: bytes) -> float:
    """Stands for NumPy's function that makes a number of its type and bytes."""
    value: float = struct.unpack(kind.order + kind.format, data)[0]
    return value


NUMPY_NAMES: list[Any] = [
    (NumberType, "numpy.dtype"),
    (number, "numpy.core.multiarray.scalar"),
    (number, "numpy._core.multiarray.scalar"),  # since NumPy 2
]
