"""The scan on the CPU by the compiled kernels in csrc/: any channels, float32 and float64, all of torch's threads.

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

LIBRARIES = {  # widest first
    "AVX512": "mambavc_scan_avx512.so",
    "AVX2": "mambavc_scan_avx2.so",
    "DEFAULT": "mambavc_scan_default.so",
}
SUFFIX = {torch.float32: "f32", torch.float64: "f64"}
_GROUP = 16  # the kernels take channels in groups of this many


def forward(x: Tensor, projected: Tensor, dt_weight: Tensor, dt_bias: Tensor, a: Tensor, d: Tensor) -> Tensor:
    """`reference.forward` with its arguments and result, for float32 and float64 on the CPU."""
    batch, height, width, channels = x.shape
    rank, states = dt_weight.shape[2], a.shape[2]
    weights = (_grouped(dt_weight), _grouped(dt_bias), _grouped(a), _grouped(d))
    x = F.pad(x, (0, -channels % _GROUP)).contiguous() if channels % _GROUP else x.contiguous()
    groups = x.shape[3] // _GROUP
    state = x.new_empty(batch, 2, groups, states, _GROUP)
    rows, columns = torch.empty_like(x), torch.empty_like(x)
    arrays = (x, projected.contiguous(), *weights, state, rows, columns)
    shape = (batch, height, width, groups, rank, states)
    function = getattr(kernels(), f"mambavc_scan_{SUFFIX[x.dtype]}")
    pointers = [ctypes.c_void_p(array.data_ptr()) for array in arrays]
    function(*map(ctypes.c_int64, shape), *pointers, ctypes.c_int(torch.get_num_threads()))
    return rows.add_(columns)[..., :channels]


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
    return ctypes.CDLL(str(_folder(name) / name))


def _folder(name: str) -> Path:
    """Where the library lies: beside this file, or, installed as editable, where the package's build was put."""
    import adapters.mambavc.scan

    folders = [Path(folder) for folder in adapters.mambavc.scan.__path__]
    found = next((folder for folder in folders if (folder / name).exists()), None)
    if found is None:
        raise FileNotFoundError(f"no {name} in {', '.join(map(str, folders))}")
    return found


def _grouped(weights: Tensor) -> Tensor:
    """[4, D, ...] -> [4, groups, ..., 16], with zeros as further channels up to a multiple of 16."""
    by_channel = weights.movedim(1, -1)
    padded = F.pad(by_channel, (0, -by_channel.shape[-1] % _GROUP))
    return padded.unflatten(-1, (-1, _GROUP)).movedim(-2, 1).contiguous()
