"""Loading a package's compiled CPU kernels for the processor at hand, and calling them with tensors."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

INSTRUCTION_SETS = ("AVX512", "AVX2", "DEFAULT")  # widest first, in torch's words; any other has the default kernels
SUFFIXES = {torch.float32: "f32", torch.float64: "f64", torch.bfloat16: "bf16"}  # of the functions' names
HEADERS = Path(__file__).parent / "include"


@dataclass(slots=True)
class Kernels:
    """The kernels of one package: the sources in its csrc/, built once per instruction set (CMakeLists.txt).

    package: dotted name. prefix: of the libraries, <prefix>_<instruction set>.so.
    instruction_set: whose library is used; all of them give the same bits, with any number of threads.
    """

    package: str
    prefix: str
    instruction_set: str = field(default_factory=torch.backends.cpu.get_cpu_capability)

    def missing(self) -> str | None:
        """Why the kernels cannot run here; None if they can."""
        library = _opened(self.package, self.prefix, self.instruction_set)
        return library if isinstance(library, str) else None

    def library(self) -> ctypes.CDLL:
        """The library itself. Raises OSError if it cannot be used."""
        library = _opened(self.package, self.prefix, self.instruction_set)
        if isinstance(library, str):
            raise OSError(library)
        return library

    def call(self, function: str, sizes: Iterable[int], *arrays: Tensor) -> int:
        """Call function_<type of the arrays>(sizes, arrays, torch's number of threads); its result, if it has one.

        arrays: contiguous tensors on the CPU, the first of a type in SUFFIXES for which the library has the function.
        Raises OSError as `library`.
        """
        compiled = getattr(self.library(), f"{function}_{SUFFIXES[arrays[0].dtype]}")
        pointers = [ctypes.c_void_p(array.data_ptr()) for array in arrays]
        result: int = compiled(*map(ctypes.c_int64, sizes), *pointers, ctypes.c_int(torch.get_num_threads()))
        return result


def source_hash(sources: Path, headers: Path = HEADERS) -> str:
    """sha256 in hexadecimal of the C++ files directly in two folders, as CMakeLists.txt makes it."""
    files = [*sorted(headers.glob("*.h")), *sorted([*sources.glob("*.cpp"), *sources.glob("*.h")])]
    digests = (hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    return hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()


@cache
def _opened(package: str, prefix: str, instruction_set: str) -> ctypes.CDLL | str:
    """A library, or why it cannot be used."""
    name = instruction_set if instruction_set in INSTRUCTION_SETS else "DEFAULT"
    try:
        library = ctypes.CDLL(str(_in_package(package, f"{prefix}_{name.lower()}.so")))
        library.native_source_hash.restype = ctypes.c_char_p
        if library.native_source_hash().decode() != source_hash(_in_package(package, "csrc")):
            raise OSError(f"{prefix}_{name.lower()}.so is of another version of its source")
    except (OSError, AttributeError) as error:
        return f"its library was not built ({error}): pip install . with a C++ compiler at hand"
    return library


def _in_package(package: str, name: str) -> Path:
    """A file of a package: beside its code, or, installed as editable, where the package's build was put."""
    folders = [Path(folder) for folder in import_module(package).__path__]
    path = next((folder / name for folder in folders if (folder / name).exists()), None)
    if path is None:
        raise FileNotFoundError(f"no {name} in {', '.join(map(str, folders))}")
    return path
