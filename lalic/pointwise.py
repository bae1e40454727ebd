"""What stands between LALIC's matrix products, in place and in one pass over memory: for inference.

On the CPU by compiled kernels, elsewhere or without them by torch. Operators of torch, so that torch.compile, the meta
device and counters know them.
"""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor
from torch.library import custom_op

from lalic.biwkv import cpu


@custom_op("lalic::gate_", mutates_args={"receptance"})
def gate_(receptance: Tensor, x: Tensor) -> None:
    """receptance = sigmoid(receptance) * x; x of receptance's shape, or such that it is broadcast to it."""
    if receptance.shape == x.shape and _compiled(receptance, x):
        _call("gate", receptance, x)
    else:
        receptance.sigmoid_().mul_(x)


@custom_op("lalic::squared_relu_", mutates_args={"x"})
def squared_relu_(x: Tensor) -> None:
    """x = max(x, 0)^2, any shape."""
    if _compiled(x):
        _call("squared_relu", x)
    else:
        x.relu_().square_()


@gate_.register_fake
def _(receptance: Tensor, x: Tensor) -> None:
    return None


@squared_relu_.register_fake
def _(x: Tensor) -> None:
    return None


def _compiled(*tensors: Tensor) -> bool:
    first = tensors[0]
    same = all(t.is_contiguous() and t.dtype == first.dtype and t.device.type == "cpu" for t in tensors)
    return same and first.dtype in cpu.SUFFIX and cpu.missing() is None


def _call(name: str, *arrays: Tensor) -> None:
    function = getattr(cpu.kernels(), f"biwkv_{name}_{cpu.SUFFIX[arrays[0].dtype]}")
    pointers = [ctypes.c_void_p(array.data_ptr()) for array in arrays]
    function(ctypes.c_int64(arrays[0].numel()), *pointers, ctypes.c_int(torch.get_num_threads()))
