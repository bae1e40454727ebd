"""BiWKV on the CPU by the compiled kernels in csrc/: any channels, all of torch's threads."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lalic.biwkv.reference import Gradients
from native import Kernels

KERNELS = Kernels("lalic.biwkv", "biwkv")
_GROUP = 16  # the kernels take a multiple of this many channels


def forward(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`reference.forward` with its arguments and result, on the CPU; k and v of float32, float64 or bfloat16.

    w, u: of that type, with bfloat16 float32, in which it is summed.
    """
    shape = k.shape
    w, u, k, v = _padded(w, u, k, v)
    y = torch.empty_like(k)
    _call("biwkv_forward", k, v, w, u, y)
    return y[..., : shape[2]]


def backward(w: Tensor, u: Tensor, k: Tensor, v: Tensor, grad: Tensor) -> Gradients:
    """`reference.backward` with arguments as in forward, and its result; bfloat16 is copied to float32.

    Sums over tokens are float64.
    """
    channels = k.shape[2]
    w, u, k, v, grad = _padded(w, u, *(x.to(w.dtype) for x in (k, v, grad)))
    dw, du = torch.empty(2, k.shape[0], k.shape[2], dtype=torch.float64)
    dk, dv = torch.empty_like(k), torch.empty_like(v)
    _call("biwkv_backward", k, v, w, u, grad, dw, du, dk, dv)
    dw, du = (x.sum(0)[:channels].to(w.dtype) for x in (dw, du))
    return dw, du, dk[..., :channels], dv[..., :channels]


def _padded(*tensors: Tensor) -> list[Tensor]:
    """The tensors in contiguous memory, with zeros as further channels up to a multiple of _GROUP."""
    extra = -tensors[0].shape[-1] % _GROUP
    return [(F.pad(t, (0, extra)) if extra else t).contiguous() for t in tensors]


def _call(function: str, k: Tensor, *arrays: Tensor) -> None:
    if KERNELS.call(function, k.shape, k, *arrays):
        raise MemoryError(f"BiWKV on the CPU ran out of memory at B, T, C = {tuple(k.shape)}.")
