"""Which positions GLIC's graphs connect: the more complex a position, the more neighbours (CVPR 2026).

A map is cut into groups of 8x8 positions that ask (queries) and the 16x16 that they may ask (samples). A local group is
a window, its samples the window twice as large around it; a global group is a grid over the whole map, its samples a
grid twice as fine. Maps are [B, H, W, C], H and W multiples of 16; groups are [B, H / 8, W / 8, ...].
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

QUERIES, SAMPLES = 8, 16  # sides
MARGIN = (SAMPLES - QUERIES) // 2
MOST_GROUPS = 128  # at a time: the logits of eight heads take 67 MB in float32
NEIGHBOURS = 64  # of a position on average
FLATTEN = 1.5  # differences of complexity are divided by this
BLUR = 0.8  # standard deviation in positions
STEPS = 5  # of the search for a threshold


def queries(x: Tensor, *, local: bool) -> Tensor:
    """The queries of each group: a view [B, H / 8, W / 8, 8, 8, C]."""
    if local:
        return x.unflatten(2, (-1, QUERIES)).unflatten(1, (-1, QUERIES)).transpose(2, 3)
    return x.unflatten(2, (QUERIES, -1)).unflatten(1, (QUERIES, -1)).permute(0, 2, 4, 1, 3, 5)


def merge(groups: Tensor, *, local: bool) -> Tensor:
    """The inverse of `queries`."""
    cells = groups.transpose(2, 3) if local else groups.permute(0, 3, 1, 4, 2, 5)
    return cells.flatten(3, 4).flatten(1, 2)


def samples(x: Tensor, *, local: bool) -> Tensor:
    """The samples: a view [B, H / 8, W / 8, 16, 16, C], zeros outside the map; global ones [B, H / 16, W / 16, ...].

    Global groups share them: group (y, x) has those at (y modulo H / 16, x modulo W / 16).
    """
    if local:
        padded = F.pad(x, (0, 0, MARGIN, MARGIN, MARGIN, MARGIN))
        return padded.unfold(1, SAMPLES, QUERIES).unfold(2, SAMPLES, QUERIES).permute(0, 1, 2, 4, 5, 3)
    return x.unflatten(2, (SAMPLES, -1)).unflatten(1, (SAMPLES, -1)).permute(0, 2, 4, 1, 3, 5)


def chunks(asking: Tensor, asked: Tensor, *, local: bool) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Some rows of groups at a time: which, their queries [B, rows, W / 8, 64, C] and samples [B, ..., 256, D].

    asking: map of the queries' values; asked: of the samples'.
    """
    some, others = queries(asking, local=local), samples(asked, local=local)
    batch, down, across = some.shape[:3]
    col = torch.arange(across, device=asking.device) % others.shape[2]
    size = max(1, MOST_GROUPS // (batch * across))
    for start in range(0, down, size):
        rows = slice(start, min(start + size, down))
        row = torch.arange(rows.start, rows.stop, device=asking.device) % others.shape[1]
        yield rows, some[:, rows].flatten(3, 4), others[:, row[:, None], col].flatten(3, 4)


@torch.no_grad()
def edges(x: Tensor, complexity: Tensor, *, local: bool) -> Tensor:
    """Which samples each query is connected with, bool [B, H / 8, W / 8, 64, 256]. complexity: of `complexity_of`."""
    cosines = F.normalize(x, dim=-1)
    budgets = budgets_of(complexity, local=local)
    found = []
    for rows, some, others in chunks(cosines, cosines, local=local):
        similarity = some @ others.transpose(-1, -2)
        found.append(similarity > threshold(similarity, budgets[:, rows]))
    return torch.cat(found, 1)


def threshold(similarity: Tensor, budget: Tensor) -> Tensor:
    """Above which about `budget` of the similarities [..., samples] lie, by bisection from their mean: [..., 1]."""
    middle = similarity.mean(-1, keepdim=True)
    low, high = similarity.amin(-1, keepdim=True), torch.ones_like(middle)
    for _ in range(STEPS):
        too_many = (similarity > middle).sum(-1, keepdim=True) > budget
        low, high = torch.where(too_many, middle, low), torch.where(too_many, high, middle)
        middle = (low + high) / 2
    return middle


def budgets_of(complexity: Tensor, *, local: bool) -> Tensor:
    """How many neighbours each query is to have, real numbers [B, H / 8, W / 8, 64, 1], by its share in its group."""
    shares = queries(complexity, local=local).flatten(3, 4)
    budgets = shares / shares.sum(3, keepdim=True) * (NEIGHBOURS * QUERIES**2)
    return budgets.clamp(1, SAMPLES**2)


@torch.no_grad()
def complexity_of(x: Tensor) -> Tensor:
    """How much a map changes around each position, [B, H, W, 1]: blurred Sobel gradients, their differences reduced."""
    across = _filtered(_filtered(x, (1, 0, -1), 2), (1, 2, 1), 1) / 4
    down = _filtered(_filtered(x, (1, 0, -1), 1), (1, 2, 1), 2) / 4
    gradient = (across.square_() + down.square_()).add_(1e-9).sqrt_()
    side = math.exp(-0.5 / BLUR**2)
    taps = (side / (1 + 2 * side), 1 / (1 + 2 * side), side / (1 + 2 * side))
    blurred = _filtered(_filtered(gradient, taps, 2), taps, 1)
    energy = blurred.square_().mean(-1, keepdim=True).sqrt_()
    mean = energy.mean((1, 2), keepdim=True)
    return mean + (energy - mean) / FLATTEN


def _filtered(x: Tensor, taps: tuple[float, float, float], dim: int) -> Tensor:
    """Three taps along a dimension of x, whose border is repeated."""
    size = x.shape[dim]
    padded = torch.cat([x.narrow(dim, 0, 1), x, x.narrow(dim, size - 1, 1)], dim)
    first, middle, last = (padded.narrow(dim, start, size) for start in range(3))
    return first * taps[0] + middle * taps[1] + last * taps[2]
