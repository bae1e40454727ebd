"""The scan with plain torch operations, on any device: chunks of pixels side by side, in a bounded amount of memory.

The path of every direction is cut into chunks. A first pass walks all of them at once from a state of zero; its final
states are carried from chunk to chunk; a second pass walks again from the right states and gives the results. The
states, D x N per chunk and direction, exist for one position of each chunk at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from adapters.mambavc.scan.paths import scan_paths

STATE_BYTES = 8 * 2**20  # of the states of all chunks; the temporaries are about four times that


class Step(NamedTuple):
    """What one position of all chunks contributes; after the end of the path u, dt and c are 0."""

    pixels: Tensor  # [4, J], direction and chunk
    u: Tensor  # [4, J, D]
    dt: Tensor  # [4, J, D]
    b: Tensor  # [4, J, N]
    c: Tensor  # [4, J, N]


class Weights(NamedTuple):
    """The weights as `reference.forward` takes them."""

    dt_weight: Tensor
    dt_bias: Tensor
    a: Tensor
    d: Tensor


def forward(x: Tensor, projected: Tensor, dt_weight: Tensor, dt_bias: Tensor, a: Tensor, d: Tensor) -> Tensor:
    """`reference.forward` with its arguments and result, in O(T) time; beside them two of the results in memory."""
    weights = Weights(dt_weight, dt_bias, a, d)
    y = torch.zeros_like(x, memory_format=torch.contiguous_format)
    for picture in zip(x, projected, y, strict=True):
        _add_picture(*(pixels.flatten(0, 1) for pixels in picture), scan_paths(*x.shape[1:3], x.device), weights)
    return y


def chunk_count(pixels: int, state_bytes: int) -> int:
    """Chunks per direction: as few steps, 2 * pixels / count + count, as the memory for their states allows."""
    return max(1, min(STATE_BYTES // (4 * state_bytes), math.ceil(math.sqrt(2 * pixels))))


def _add_picture(u: Tensor, projected: Tensor, rows: Tensor, paths: Tensor, weights: Weights) -> None:
    """Adds the results to rows. u, rows: [T, D]; projected: [T, 4, R + 2 N]; paths: [4, T]."""
    chunks = chunk_count(len(u), weights.a[0].numel() * u.itemsize)
    length = math.ceil(len(u) / chunks)
    padded = F.pad(paths, (0, chunks * length - len(u)), value=-1).view(4, chunks, length)
    h = _carried(_steps(u, projected, weights, padded), weights, chunks)
    columns = torch.zeros_like(rows)
    for step in _steps(u, projected, weights, padded):
        h = _advance(h, step, weights.a)
        y = torch.matmul(h, step.c[..., None]).squeeze(-1) + weights.d[:, None] * step.u
        for k, sums in enumerate((rows, columns, rows, columns)):
            sums.index_add_(0, step.pixels[k], y[k])  # after the end of a path: zero to pixel 0
    rows += columns


def _steps(u: Tensor, projected: Tensor, weights: Weights, padded: Tensor) -> Iterator[Step]:
    """One per position in a chunk. padded: [4, J, length], pixels, -1 after the end of the path."""
    rank, states = weights.dt_weight.shape[2], weights.a.shape[2]
    direction = torch.arange(4, device=u.device)[:, None]
    for position in padded.unbind(2):
        pixels, there = position.clamp(min=0), (position >= 0)[..., None]
        dt_in, b, c = projected[pixels, direction].split((rank, states, states), -1)
        dt = F.softplus(torch.matmul(dt_in, weights.dt_weight.mT) + weights.dt_bias[:, None])
        yield Step(pixels, u[pixels] * there, dt * there, b, c * there)


def _advance(h: Tensor, step: Step, a: Tensor) -> Tensor:
    """The states [4, J, D, N] one position later."""
    decay = (step.dt[..., None] * a[:, None]).exp_()
    return decay.mul_(h).addcmul_((step.dt * step.u)[..., None], step.b[:, :, None])


def _carried(steps: Iterator[Step], weights: Weights, chunks: int) -> Tensor:
    """The states [4, J, D, N] at the beginning of every chunk."""
    a = weights.a
    h = torch.zeros(4, chunks, *a.shape[1:], dtype=a.dtype, device=a.device)
    total = torch.zeros_like(h[..., 0])  # dt over the chunk
    for step in steps:
        h = _advance(h, step, a)
        total += step.dt
    before = torch.zeros_like(h)
    for j in range(1, chunks):
        before[:, j] = (total[:, j - 1, :, None] * a).exp_() * before[:, j - 1] + h[:, j - 1]
    return before
