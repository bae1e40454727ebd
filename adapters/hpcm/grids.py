"""HPCM's three grids of y and the order in which their positions are coded (facts of the authors' code).

The full grid is y [B, C, h, w]. The half grid has of every 2x2 cell one position, which one depends on the channel's
group, and the quarter grid of every 2x2 cell of the half grid one. Steps are given by patterns, which of a cell's
positions each group of channels codes; they are disjoint and fill the grid once folded onto each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

Phase = tuple[int, int]
HALF = ((0, 0), (1, 1), (0, 1), (1, 0)) * 2  # of each group of channels, in a cell of the full grid
QUARTER = ((0, 0), (0, 1), (1, 0), (1, 1))  # of each group of channels, in a cell of the half grid
# What the half grid's hyperparameters leave out of a 4x4 cell of the full grid, by group. It should be what the quarter
# grid has coded, and is not but for the first two groups; trained weights expect it so.
LEFT_OUT = ((0, 0), (1, 1), (0, 1), (1, 0), (0, 2), (1, 3), (0, 3), (1, 2))
PAIRS = (
    *(((0, 0), (2, 2)), ((0, 2), (2, 0)), ((1, 1), (3, 3)), ((1, 3), (3, 1))),
    *(((0, 1), (2, 3)), ((0, 3), (2, 1)), ((1, 0), (3, 2)), ((1, 2), (3, 0))),
)
CHECKERS = (((0, 0), (1, 1)), ((0, 1), (1, 0)))


@dataclass(frozen=True, slots=True)
class Step:
    """What one step codes of its grid. cell: the side of a cell; phases: of each group of channels, those coded."""

    cell: int
    phases: tuple[tuple[Phase, ...], ...]

    def mask(self, like: Tensor) -> Tensor:
        """Ones where the step codes, zeros elsewhere, [C, h, w] for a map [B, C, h, w] of its grid."""
        return _mask(self, tuple(like.shape[1:]), like.device, like.dtype)

    def fold(self, x: Tensor) -> Tensor:
        """The coded positions of x [B, C, h, w], the groups folded onto each other: [B, C / groups, h, w]."""
        return (x * self.mask(x)).unflatten(1, (len(self.phases), -1)).sum(1)

    def unfold(self, folded: Tensor) -> Tensor:
        """The inverse of `fold`, with zeros where the step does not code."""
        x = folded.repeat(1, len(self.phases), 1, 1)
        return x * self.mask(x)


def _half_step(order: Sequence[int]) -> Step:
    return Step(2, tuple((QUARTER[k],) for k in order))


def _full_step(order: Sequence[int]) -> Step:
    return Step(4, tuple(PAIRS[k] for k in order))


QUARTER_STEPS = (Step(2, CHECKERS), Step(2, CHECKERS[::-1]))
HALF_STEPS = tuple(_half_step(order) for order in ((3, 2, 1, 0), (2, 3, 0, 1), (1, 0, 3, 2)))
FULL_STEPS = tuple(
    _full_step(order)
    for order in (
        *((2, 4, 6, 0, 3, 5, 7, 1), (3, 5, 7, 1, 2, 4, 6, 0), (4, 6, 0, 2, 5, 7, 1, 3)),
        *((5, 7, 1, 3, 4, 6, 0, 2), (6, 0, 2, 4, 7, 1, 3, 5), (7, 1, 3, 5, 6, 0, 2, 4)),
    )
)


def lower(x: Tensor, phases: Sequence[Phase]) -> Tensor:
    """One position of every 2x2 cell: [B, C, h, w] -> [B, C, h / 2, w / 2]. phases: of each group of channels."""
    groups = x.chunk(len(phases), 1)
    return torch.cat([g[:, :, row::2, col::2] for g, (row, col) in zip(groups, phases, strict=True)], 1)


def higher(x: Tensor, phases: Sequence[Phase]) -> Tensor:
    """The inverse of `lower`, with zeros elsewhere."""
    batch, channels, height, width = x.shape
    out = x.new_zeros(batch, channels, 2 * height, 2 * width)
    size = channels // len(phases)
    for start, (row, col) in zip(range(0, channels, size), phases, strict=True):
        out[:, start : start + size, row::2, col::2] = x[:, start : start + size]
    return out


def outside_half(x: Tensor) -> Tensor:
    """x [B, C, h, w] with zeros at the half grid's positions."""
    return x - higher(lower(x, HALF), HALF)


def misplaced_half(x: Tensor) -> Tensor:
    """What the half grid gets of the hyperparameters x [B, C, h, w] of the full one: [B, C, h / 2, w / 2].

    Of each group the positions of its phase but for LEFT_OUT, written row by row to those of the half grid that are
    not on the quarter grid; so most land elsewhere than they came from.
    """
    height, width = x.shape[2:]
    halves = []
    for g, group in enumerate(x.flatten(2).chunk(8, 1)):
        sources, targets = _moves(g, height, width, x.device)
        empty = group.new_zeros(*group.shape[:2], height * width // 4)
        halves.append(empty.index_copy(2, targets, group.index_select(2, sources)))
    return torch.cat(halves, 1).unflatten(2, (height // 2, width // 2))


@cache
def _mask(step: Step, shape: tuple[int, int, int], device: torch.device, dtype: torch.dtype) -> Tensor:
    channels, height, width = shape
    with torch.inference_mode(False):  # what is kept serves training too
        cells = torch.zeros(len(step.phases), step.cell, step.cell)
        for group, phases in zip(cells, step.phases, strict=True):
            for row, col in phases:
                group[row, col] = 1
        tiled = cells.tile(1, height // step.cell, width // step.cell)
        return tiled.repeat_interleave(channels // len(step.phases), 0).to(device, dtype)


@cache
def _moves(group: int, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Where the values of a group of channels are on the full grid, and where they go on the half grid, row by row."""
    with torch.inference_mode(False):
        sources = _at(height, width, *HALF[group], 2) & ~_at(height, width, *LEFT_OUT[group], 4)
        targets = ~_at(height // 2, width // 2, *QUARTER[group // 2], 2)
        return sources.flatten().nonzero().flatten().to(device), targets.flatten().nonzero().flatten().to(device)


def _at(height: int, width: int, row: int, col: int, cell: int) -> Tensor:
    """Where a phase of cells is in a map: [height, width]."""
    return (torch.arange(height) % cell == row)[:, None] & (torch.arange(width) % cell == col)
