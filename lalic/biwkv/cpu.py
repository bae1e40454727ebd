"""BiWKV on the CPU by the compiled kernels in csrc/: any channels, float32 and float64, all of torch's threads.

The library for the processor's widest instruction set is taken; all of them give the same bits, whatever the number of
threads.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from lalic.biwkv.reference import Gradients

LIBRARIES = {"AVX512": "biwkv_avx512.so", "AVX2": "biwkv_avx2.so", "DEFAULT": "biwkv_default.so"}  # widest first
_NEWEST = "biwkv_gate_f32"  # the function added last
_GROUP = 16  # the kernels take a multiple of this many channels
SUFFIX = {torch.float32: "f32", torch.float64: "f64"}


def forward(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`reference.forward` with its arguments and result, for float32 and float64 on the CPU."""
    shape = k.shape
    w, u, k, v = _padded(w, u, k, v)
    y = torch.empty_like(k)
    _call("forward", k, w, u, k, v, y)
    return y[..., : shape[2]]


def backward(w: Tensor, u: Tensor, k: Tensor, v: Tensor, grad: Tensor) -> Gradients:
    """`reference.backward` with its arguments and result, for float32 and float64 on the CPU; sums are float64."""
    channels = k.shape[2]
    w, u, k, v, grad = _padded(w, u, k, v, grad)
    dw, du = torch.empty(2, k.shape[0], k.shape[2], dtype=torch.float64)
    dk, dv = torch.empty_like(k), torch.empty_like(v)
    _call("backward", k, w, u, k, v, grad, dw, du, dk, dv)
    dw, du = (x.sum(0)[:channels].to(w.dtype) for x in (dw, du))
    return dw, du, dk[..., :channels], dv[..., :channels]


def missing() -> str | None:
    """Why the kernels cannot run here; None if they can."""
    try:
        kernels()
    except OSError as error:
        return f"its library was not built ({error}): pip install . with a C++ compiler at hand"
    return None


@cache
def kernels() -> ctypes.CDLL:
    """The kernels for this processor. Raises OSError if they are not there."""
    return load(torch.backends.cpu.get_cpu_capability())


def load(capability: str) -> ctypes.CDLL:
    """The kernels for an instruction set in LIBRARIES, those of "DEFAULT" for any other."""
    name = LIBRARIES.get(capability, LIBRARIES["DEFAULT"])
    found = ctypes.CDLL(str(_folder(name) / name))
    if not hasattr(found, _NEWEST):
        raise OSError(f"{name} is of an older version")
    return found


def _folder(name: str) -> Path:
    """Where the library lies: beside this file, or, installed as editable, where the package's build was put."""
    import lalic.biwkv

    folders = [Path(folder) for folder in lalic.biwkv.__path__]
    found = next((folder for folder in folders if (folder / name).exists()), None)
    if found is None:
        raise FileNotFoundError(f"no {name} in {', '.join(map(str, folders))}")
    return found


def _padded(*tensors: Tensor) -> list[Tensor]:
    """The tensors in contiguous memory, with zeros as further channels up to a multiple of _GROUP."""
    extra = -tensors[0].shape[-1] % _GROUP
    return [(F.pad(t, (0, extra)) if extra else t).contiguous() for t in tensors]


def _call(name: str, like: Tensor, *arrays: Tensor) -> None:
    function = getattr(kernels(), f"biwkv_{name}_{SUFFIX[like.dtype]}")
    shape = [ctypes.c_int64(size) for size in like.shape]
    pointers = [ctypes.c_void_p(array.data_ptr()) for array in arrays]
    if function(*shape, *pointers, ctypes.c_int(torch.get_num_threads())):
        raise MemoryError(f"BiWKV on the CPU ran out of memory at B, T, C = {tuple(like.shape)}.")
