"""BiWKV on an NVIDIA GPU: memory and launches for the kernels of csrc/cuda, which are compiled at first use.

Works on the current stream and gives the same bits for the same input on the same kind of GPU. Can be captured in a
CUDA graph after one call outside of it in the same direction and type, which compiles and loads the kernels.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from math import ceil
from pathlib import Path

import torch
from torch import Tensor

from lalic.biwkv import nvrtc
from lalic.biwkv.reference import Gradients

SOURCE = Path(__file__).parent / "csrc" / "cuda" / "biwkv.cu"
STORAGE = {torch.float32: "float", torch.float16: "Half", torch.bfloat16: "Bfloat16"}
_TOKENS = {False: 16, True: 8}  # per thread, forward and backward: what the registers hold
_LANES, _WARPS, _SEGMENTS = 32, 8, 16  # as in biwkv.cu


class Arguments(ctypes.Structure):
    """The one argument of every kernel, as in biwkv.cu."""

    _fields_ = [(name, ctypes.c_int64) for name in ("batch", "tokens", "channels", "blocks")] + [
        (name, ctypes.c_void_p)
        for name in ["w", "u", "k", "v", "grad", "y", "dk", "dv", "peaks", "peaks_back", "sums", "sums_back", "parts"]
    ]


Launch = Callable[[str, int, int, Arguments], None]  # kernel, blocks, threads per block, its argument
GetLaunch = Callable[[nvrtc.Build, torch.device], Launch]


def forward(w: Tensor, u: Tensor, k: Tensor, v: Tensor, get_launch: GetLaunch = nvrtc.launcher) -> Tensor:
    """`reference.forward` for k and v of a type in STORAGE on a GPU, w and u float32; summed in float32."""
    plan = _Plan(get_launch, False, w, u, k, v)
    y = torch.empty_like(plan.k)
    plan.carry_givers()
    plan.run("outputs", y=y)
    return y


def backward(
    w: Tensor, u: Tensor, k: Tensor, v: Tensor, grad: Tensor, get_launch: GetLaunch = nvrtc.launcher
) -> Gradients:
    """`reference.backward` for tensors as in forward; dw and du are summed over blocks in float64."""
    plan = _Plan(get_launch, True, w, u, k, v)
    grad = grad.contiguous()
    dk, dv = torch.empty_like(plan.k), torch.empty_like(plan.v)
    plan.carry_givers()
    peaks, sums = plan.sums()
    plan.run("receivers", grad=grad, peaks_back=peaks, sums_back=sums)
    plan.carry("carry_receivers")
    parts = torch.empty(plan.sizes(2), device=k.device)
    plan.run("gradients", dk=dk, dv=dv, parts=parts)
    dw, du = parts.sum((1, 2), dtype=torch.float64).to(w.dtype)
    return dw, du, dk, dv


def build(dtype: torch.dtype, backward: bool) -> nvrtc.Build:
    """The kernels for sequences of a type."""
    values = {"TOKENS": _TOKENS[backward], "STORAGE": STORAGE[dtype], "BACKWARD": int(backward)}
    return nvrtc.Build(SOURCE, tuple((name, str(value)) for name, value in values.items()))


def missing() -> str | None:
    """Why the kernels cannot run here; None if they can."""
    if not torch.cuda.is_available():
        return "torch finds no CUDA device"
    return nvrtc.missing()


class _Plan:
    """One call's kernels; the tensors they read are held until all are launched."""

    def __init__(self, get_launch: GetLaunch, backward: bool, w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> None:
        tokens = _TOKENS[backward]
        self.launch = get_launch(build(k.dtype, backward), k.device)
        self.k, self.v = k.contiguous(), v.contiguous()
        batch, length, self.channels = k.shape
        self.groups = ceil(self.channels / _LANES)
        self.arguments = Arguments(batch, length, self.channels, ceil(length / (tokens * _WARPS)))
        self.held: list[Tensor] = []
        self.hold(w=w.contiguous(), u=u.contiguous(), k=self.k, v=self.v)

    def hold(self, **tensors: Tensor) -> None:
        for name, tensor in tensors.items():
            setattr(self.arguments, name, tensor.data_ptr())
            self.held.append(tensor)

    def sizes(self, *first: int) -> tuple[int, ...]:
        return (*first, self.arguments.batch, self.arguments.blocks, self.channels)

    def sums(self) -> tuple[Tensor, Tensor]:
        """Memory for the peaks and the sums of all blocks in both directions."""
        device = self.k.device
        return torch.empty(self.sizes(2), dtype=torch.float64, device=device), torch.empty(
            self.sizes(2, 2), dtype=torch.float32, device=device
        )

    def run(self, kernel: str, **tensors: Tensor) -> None:
        self.hold(**tensors)
        blocks = self.arguments.batch * self.arguments.blocks * self.groups
        if blocks:  # none in an empty batch, which would be no legal launch
            self.launch(kernel, blocks, _WARPS * _LANES, self.arguments)

    def carry(self, kernel: str) -> None:
        blocks = 2 * self.arguments.batch * self.groups
        if blocks:
            self.launch(kernel, blocks, _SEGMENTS * _LANES, self.arguments)

    def carry_givers(self) -> None:
        peaks, sums = self.sums()
        self.run("summaries", peaks=peaks, sums=sums)
        self.carry("carry_givers")
