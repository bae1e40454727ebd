"""BiWKV on an NVIDIA GPU: memory and launches for the kernels of csrc/cuda, which are compiled at first use.

Works on the current stream and gives the same bits for the same input on the same kind of GPU. Can be captured in a
CUDA graph after one call outside of it in the same direction and type, which compiles and loads the kernels.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from lalic.biwkv import nvrtc
from lalic.biwkv.reference import Gradients

SOURCE = Path(__file__).parent / "csrc" / "cuda" / "biwkv.cu"
FORWARD = ("summaries", "carry_givers", "outputs")
BACKWARD = ("summaries", "carry_givers", "receivers", "carry_receivers", "gradients")
STORAGE = {torch.float32: "float", torch.float16: "Half", torch.bfloat16: "Bfloat16"}
_LANES, _ROW, _SEGMENTS = 32, 8, 64  # as in biwkv.cu and carry.cuh


class Tile(NamedTuple):
    """Of a block: tokens per thread, warps along T, and how many blocks a multiprocessor is to hold at a time."""

    tokens: int
    warps: int
    resident: int


TILES = {False: Tile(8, 16, 2), True: Tile(8, 8, 3)}  # forward and backward: what the registers hold


class Arguments(ctypes.Structure):
    """The one argument of every kernel, as in biwkv.cu."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("batch", "tokens", "channels", "blocks")] + [
        (name, ctypes.c_void_p)
        for name in ["w", "u", "k", "v", "grad", "y", "dk", "dv", "peaks", "peaks_back", "sums", "sums_back", "parts"]
    ]


Kernel = tuple[str, int, int]  # name, blocks, threads per block
Launch = Callable[[Sequence[Kernel], Arguments], None]  # all with the one argument, one after the other
GetLaunch = Callable[[nvrtc.Build, torch.device], Launch]
LARGEST = 2**31 - 2**10  # of batch, tokens and channels: what a kernel counts in 32 bits


def forward(w: Tensor, u: Tensor, k: Tensor, v: Tensor, get_launch: GetLaunch = nvrtc.launcher) -> Tensor:
    """`reference.forward` for k and v of a type in STORAGE on a GPU, w and u float32; summed in float32."""
    plan = _Plan(k, backward=False)
    w, u, k, v = (tensor.contiguous() for tensor in (w, u, k, v))
    y = torch.empty_like(k)
    peaks, sums = plan.carried()
    plan.launch(get_launch, FORWARD, w=w, u=u, k=k, v=v, y=y, peaks=peaks, sums=sums)
    return y


def backward(
    w: Tensor, u: Tensor, k: Tensor, v: Tensor, grad: Tensor, get_launch: GetLaunch = nvrtc.launcher
) -> Gradients:
    """`reference.backward` for tensors as in forward; dw and du are summed over blocks in float64."""
    plan = _Plan(k, backward=True)
    w, u, k, v, grad = (tensor.contiguous() for tensor in (w, u, k, v, grad))
    dk, dv = torch.empty_like(k), torch.empty_like(v)
    (peaks, sums), (peaks_back, sums_back) = plan.carried(), plan.carried()
    parts = torch.empty(plan.sizes(2), device=k.device)
    given = {"w": w, "u": u, "k": k, "v": v, "grad": grad, "dk": dk, "dv": dv, "parts": parts}
    plan.launch(get_launch, BACKWARD, **given, peaks=peaks, sums=sums, peaks_back=peaks_back, sums_back=sums_back)
    dw, du = parts.sum((1, 2), dtype=torch.float64).to(w.dtype)
    return dw, du, dk, dv


def build(dtype: torch.dtype, backward: bool) -> nvrtc.Build:
    """The kernels for sequences of a type."""
    tile = {name.upper(): value for name, value in TILES[backward]._asdict().items()}
    values = {**tile, "STORAGE": STORAGE[dtype], "BACKWARD": int(backward)}
    return nvrtc.Build(SOURCE, tuple((name, str(value)) for name, value in values.items()))


def missing() -> str | None:
    """Why the kernels cannot run here; None if they can."""
    if not torch.cuda.is_available():
        return "torch finds no CUDA device"
    return nvrtc.missing()


class _Plan:
    """How one call's kernels cut sequences like k."""

    def __init__(self, k: Tensor, *, backward: bool) -> None:
        self.like, self.tile, self.build = k, TILES[backward], build(k.dtype, backward)
        self.batch, tokens, self.channels = k.shape
        if max(k.shape) > LARGEST:
            raise ValueError(
                f"BiWKV on a GPU takes up to {LARGEST} of each, batch, tokens and channels, not {k.shape}."
            )
        self.blocks = ceil(tokens / (self.tile.tokens * self.tile.warps))

    def sizes(self, *first: int) -> tuple[int, ...]:
        return (*first, self.batch, self.blocks, self.channels)

    def carried(self) -> tuple[Tensor, Tensor]:
        """Memory for the peaks and the sums of all blocks in both directions."""
        device = self.like.device
        peaks = torch.empty(self.sizes(2), dtype=torch.float64, device=device)
        return peaks, torch.empty(self.sizes(2, 2), dtype=torch.float32, device=device)

    def launch(self, get_launch: GetLaunch, kernels: Sequence[str], **tensors: Tensor) -> None:
        """One kernel after the other; all get all tensors."""
        if not self.like.numel():
            return  # an empty batch would be no legal launch
        argument = Arguments(self.batch, self.like.shape[1], self.channels, self.blocks)
        for name, tensor in tensors.items():
            setattr(argument, name, tensor.data_ptr())
        get_launch(self.build, self.like.device)([self._shaped(name) for name in kernels], argument)

    def _shaped(self, kernel: str) -> Kernel:
        if kernel.startswith("carry"):
            return kernel, 2 * self.batch * ceil(self.channels / _ROW), _SEGMENTS * _ROW
        return kernel, self.batch * self.blocks * ceil(self.channels / _LANES), self.tile.warps * _LANES
