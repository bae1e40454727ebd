"""What stands between LALIC's matrix products, in one pass over memory: in place for inference, and with gradients.

On the CPU by compiled kernels, elsewhere or without them by torch. Those in place are operators of torch, so that
torch.compile, the meta device and counters know them. bfloat16 is computed in float32 and rounded once, in place only.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.library import define, impl, register_fake

from lalic.biwkv import forward_mode
from native import SUFFIXES, Kernels

KERNELS = Kernels("lalic", "lalic_blocks")

define("lalic::gate_", "(Tensor(a!) receptance, Tensor x) -> ()")
define("lalic::squared_relu_", "(Tensor(a!) x) -> ()")
define("lalic::residual", "(Tensor x, Tensor gamma, Tensor mix) -> Tensor")


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


def residual(x: Tensor, gamma: Tensor, mix: Tensor) -> Tensor:
    """x + gamma * mix in the type of x; x, mix [B, T, C], gamma [C]. mix may be bfloat16 beside float32."""
    if mix.dtype == x.dtype or torch.is_grad_enabled():
        return torch.addcmul(x, gamma, mix)
    total: Tensor = torch.ops.lalic.residual(x, gamma, mix)
    return total


@impl("lalic::gate_", "default")
def _gate(receptance: Tensor, x: Tensor) -> None:
    if receptance.shape == x.shape and compiled(receptance, x):
        KERNELS.call("lalic_gate", [x.numel()], receptance, x)
    else:
        receptance.sigmoid_().mul_(x)


@impl("lalic::squared_relu_", "default")
def _squared_relu(x: Tensor) -> None:
    if compiled(x):
        KERNELS.call("lalic_squared_relu", [x.numel()], x)
    else:
        x.relu_().square_()


@impl("lalic::residual", "default")
def _residual(x: Tensor, gamma: Tensor, mix: Tensor) -> Tensor:
    if x.dtype != torch.float32 or mix.dtype != torch.bfloat16 or not (compiled(x, gamma) and compiled(mix)):
        return torch.addcmul(x, gamma, mix).contiguous()
    total = torch.empty_like(x)
    KERNELS.call("lalic_residual", [x[..., 0].numel(), x.shape[-1]], mix, x, gamma, total)
    return total


@register_fake("lalic::residual")
def _(x: Tensor, gamma: Tensor, mix: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


@register_fake("lalic::gate_")
def _(receptance: Tensor, x: Tensor) -> None:
    return None


@register_fake("lalic::squared_relu_")
def _(x: Tensor) -> None:
    return None


def gate(receptance: Tensor, x: Tensor) -> Tensor:
    """sigmoid(receptance) * x, differentiable; x of receptance's shape, or such that it is broadcast to it."""
    if receptance.shape == x.shape and in_one_pass(receptance, x):
        gated: Tensor = _Gate.apply(receptance, x)
        return gated
    return torch.sigmoid(receptance) * x


def squared_relu(x: Tensor) -> Tensor:
    """max(x, 0)^2, differentiable; any shape."""
    if in_one_pass(x):
        squared: Tensor = _SquaredRelu.apply(x)
        return squared
    return x.relu().square()


class _Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, receptance: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(receptance, x)
        gated = receptance.clone()
        KERNELS.call("lalic_gate", [x.numel()], gated, x)
        return gated

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        receptance, x = ctx.saved_tensors
        of_receptance, of_x = receptance.clone(), grad.clone(memory_format=torch.contiguous_format)
        KERNELS.call("lalic_gate_backward", [x.numel()], of_receptance, x, of_x)
        return of_receptance, of_x


class _SquaredRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        squared = x.clone()
        KERNELS.call("lalic_squared_relu", [x.numel()], squared)
        return squared

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        of_x = grad.clone(memory_format=torch.contiguous_format)
        KERNELS.call("lalic_squared_relu_backward", [x.numel()], of_x, x)
        return of_x


def in_one_pass(*tensors: Tensor) -> bool:
    """Whether the compiled kernels with gradients can take these: no bfloat16, nor in forward mode, nor to compile."""
    if tensors[0].dtype == torch.bfloat16 or forward_mode() or torch.compiler.is_compiling():
        return False
    return compiled(*tensors)


def _for_inference(*tensors: Tensor) -> None:
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        raise RuntimeError("LALIC's in-place operators have no derivative: they are for torch.no_grad().")


def compiled(*tensors: Tensor) -> bool:
    """Whether the compiled kernels without gradients can take these."""
    first = tensors[0]
    same = all(t.is_contiguous() and t.dtype == first.dtype and t.device.type == "cpu" for t in tensors)
    return same and first.dtype in SUFFIXES and KERNELS.missing() is None
