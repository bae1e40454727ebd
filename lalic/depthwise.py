"""Omni-Shift's depthwise 5x5 convolution with gradients, and in bfloat16 without: on the CPU by compiled kernels.

Torch's backward took five times as long as csrc/depthwise.cpp for 4 x 64 x 64 x 24 values (9.3 ms, one AVX2 core), and
its bfloat16 forward, where the processor has no bfloat16 products, 90 times as long for 64 x 96 x 256 (1.04 s).
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.library import define, impl, register_fake
from torch.utils.flop_counter import register_flop_formula

from lalic.pointwise import KERNELS, compiled, in_one_pass
from lalic.tokens import Size, to_image, to_tokens


def depthwise(tokens: Tensor, size: Size, kernel: Tensor) -> Tensor:
    """tokens [B, H * W, C], kernel [C, 1, 5, 5] -> [B, H * W, C]; zero padding, differentiable."""
    if in_one_pass(tokens, kernel):
        convolved: Tensor = _Depthwise.apply(tokens, kernel, size)
        return convolved
    return _by_torch(tokens, size, kernel)


define("lalic::depthwise", "(Tensor tokens, int[] size, Tensor kernel) -> Tensor")


def depthwise_for_inference(tokens: Tensor, size: Size, kernel: Tensor) -> Tensor:
    """As `depthwise`, but without gradients; bfloat16 is summed in float32 and rounded once."""
    convolved: Tensor = torch.ops.lalic.depthwise(tokens, size, kernel)
    return convolved


@impl("lalic::depthwise", "default")
def _for_inference(tokens: Tensor, size: Size, kernel: Tensor) -> Tensor:
    if compiled(tokens, kernel):
        return _convolved(tokens, _by_place(kernel), size)
    return _by_torch(tokens, size, kernel).contiguous()


@register_fake("lalic::depthwise")
def _(tokens: Tensor, size: Size, kernel: Tensor) -> Tensor:
    return torch.empty_like(tokens, memory_format=torch.contiguous_format)


@register_flop_formula(torch.ops.lalic.depthwise)
def _operations(tokens: Any, size: Any, kernel: Any, *args: Any, **kwargs: Any) -> int:
    return 2 * prod(tokens) * prod(kernel[1:])


def _by_torch(tokens: Tensor, size: Size, kernel: Tensor) -> Tensor:
    return to_tokens(F.conv2d(to_image(tokens, size), kernel, padding=2, groups=kernel.shape[0]))


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, kernel: Tensor, size: Size) -> Tensor:
        ctx.save_for_backward(tokens, kernel)
        ctx.size = size
        return _convolved(tokens, _by_place(kernel), size)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        tokens, kernel = ctx.saved_tensors
        grad = grad.contiguous()
        of_tokens = _convolved(grad, _by_place(kernel).flip(0), ctx.size)
        sums = tokens.new_zeros(len(tokens), kernel[0].numel(), len(kernel))
        KERNELS.call("lalic_depthwise_kernel", [len(tokens), *ctx.size, len(kernel)], tokens, grad, sums)
        return of_tokens, sums.sum(0).t().reshape(kernel.shape), None


def _by_place(kernel: Tensor) -> Tensor:
    """[C, 1, 5, 5] -> [25, C]."""
    return kernel.flatten(1).t().contiguous()


def _convolved(tokens: Tensor, weights: Tensor, size: Size) -> Tensor:
    out = torch.empty_like(tokens)
    KERNELS.call("lalic_depthwise", [len(tokens), *size, tokens.shape[2]], tokens, weights, out)
    return out
