"""Reading a weights file without ever running code from it."""

import mmap
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lic_bench.codecs.checkpoint_content import content_problem
from lic_bench.codecs.checkpoint_zip import MOST_UNPACKED, zip_problem
from lic_bench.errors import UserError

# NumPy's names of number types -> those of `struct`.
FORMATS = {"b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"}
FORMATS |= {"f2": "e", "f4": "f", "f8": "d"}
BYTEARRAY = b"bytearray\n"  # in a pickle
SAVE_ALONE = "save the weights alone, as torch.save(network.state_dict(), 'weights.pth')."
REFUSED = re.compile(r"(?:GLOBAL|Trying to (?:load|call|instantiate)[^.]*?) ([A-Za-z_][\w.]*\.\w+)")  # torch's words


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """The content of a weights file: tensors, numbers, text and containers of those; may still be wrapped.

    NumPy's numbers, which training scripts store beside the weights, come as Python's.
    Raises UserError for a file that is not there, is damaged, holds anything else, has no names or no trained values.
    """
    if not path.is_file():
        raise UserError(
            f"Weights file {path} is not there; see `lic-bench doctor --verbose` for where weights are looked for."
        )
    if problem := zip_problem(path):
        raise UserError(f"Weights file {path} {problem}; get it again.")
    if _asks_for_bytes(path):
        raise UserError(f"Weights file {path} holds a bytearray, which may take any memory; {SAVE_ALONE}")
    try:
        with torch.serialization.safe_globals(NUMPY_NAMES):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a wrong file fails in as many ways as there are formats
        raise _unreadable(path, error) from None
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise UserError(f"Weights file {path} holds a {type(content).__name__}, not a state dict with names.")
    if problem := content_problem(content, max(path.stat().st_size, MOST_UNPACKED)):
        raise UserError(f"Weights file {path} {problem}; get it again, or save the trained network's state_dict().")
    return content


def _asks_for_bytes(path: Path) -> bool:
    """Whether a bytearray is made on reading, which torch lets a file do, of any size."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as pack:
            return any(BYTEARRAY in pack.read(name) for name in pack.namelist() if name.endswith(".pkl"))
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(BYTEARRAY) >= 0


def _unreadable(path: Path, error: Exception) -> UserError:
    """The error for a file that torch does not read; where it refuses a class, which."""
    is_none = f"Weights file {path} ({path.stat().st_size} bytes) is no PyTorch state dict of tensors alone"
    if refused := REFUSED.search(str(error)):
        return UserError(f"{is_none}: it holds a {refused[1]}, and reading that could run code; {SAVE_ALONE}")
    return UserError(
        f"{is_none} ({type(error).__name__}): get it again, a quota or error page may have been saved instead."
    )


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
