"""What stands between LALIC's matrix products, in place and in one pass over memory: for inference.

On the CPU by compiled kernels, elsewhere or without them by torch. Operators of torch, so that torch.compile, the meta
device and counters know them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.library import define, impl, register_fake

from native import SUFFIXES, Kernels

KERNELS = Kernels("lalic", "lalic_pointwise")

define("lalic::gate_", "(Tensor(a!) receptance, Tensor x) -> ()")
define("lalic::squared_relu_", "(Tensor(a!) x) -> ()")


def gate_(receptance: Tensor, x: Tensor) -> None:
    """receptance = sigmoid(receptance) * x; x of receptance's shape, or such that it is broadcast to it.

    Raises RuntimeError where a gradient is asked for.
    """
    _for_inference(receptance, x)
    torch.ops.lalic.gate_(receptance, x)


def squared_relu_(x: Tensor) -> None:
    """x = max(x, 0)^2, any shape. Raises RuntimeError where a gradient is asked for."""
    _for_inference(x)
    torch.ops.lalic.squared_relu_(x)


@impl("lalic::gate_", "default")
def _gate(receptance: Tensor, x: Tensor) -> None:
    if receptance.shape == x.shape and _compiled(receptance, x):
        KERNELS.call("lalic_gate", [x.numel()], receptance, x)
    else:
        receptance.sigmoid_().mul_(x)


@impl("lalic::squared_relu_", "default")
def _squared_relu(x: Tensor) -> None:
    if _compiled(x):
        KERNELS.call("lalic_squared_relu", [x.numel()], x)
    else:
        x.relu_().square_()


@register_fake("lalic::gate_")
def _(receptance: Tensor, x: Tensor) -> None:
    return None


@register_fake("lalic::squared_relu_")
def _(x: Tensor) -> None:
    return None


def _for_inference(*tensors: Tensor) -> None:
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        raise RuntimeError("LALIC's in-place operators have no derivative: they are for torch.no_grad().")


def _compiled(*tensors: Tensor) -> bool:
    first = tensors[0]
    same = all(t.is_contiguous() and t.dtype == first.dtype and t.device.type == "cpu" for t in tensors)
    return same and first.dtype in SUFFIXES and KERNELS.missing() is None
