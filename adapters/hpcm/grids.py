"""HPCM's three grids of y and the order in which their positions are coded (facts of the authors' code).

The full grid is y [B, C, h, w]. The half grid has of every 2x2 cell one position, which one depends on the channel's
group, and the quarter grid of every 2x2 cell of the half grid one. Steps are given by patterns, which of a cell's
positions each group of channels codes; they are disjoint and fill the grid once folded onto each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

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


class Step(nn.Module):
    """What one step codes of its grid. cell: the side of a cell; phases: of each group of channels, those coded."""

    pattern: Tensor

    def __init__(self, cell: int, phases: Sequence[Sequence[Phase]]) -> None:
        super().__init__()
        pattern = torch.zeros(len(phases), cell, cell)
        for group, coded in zip(pattern, phases, strict=True):
            for row, col in coded:
                group[row, col] = 1
        self.register_buffer("pattern", pattern, persistent=False)

    def mask(self, like: Tensor) -> Tensor:
        """Ones where the step codes, zeros elsewhere, [C, h, w] for a map [B, C, h, w] of its grid."""
        groups, cell, _ = self.pattern.shape
        channels, height, width = like.shape[1:]
        tiled = self.pattern.to(like.dtype).tile(1, height // cell, width // cell)
        return tiled.repeat_interleave(channels // groups, 0)

    def fold(self, x: Tensor) -> Tensor:
        """The coded positions of x [B, C, h, w], the groups folded onto each other: [B, C / groups, h, w]."""
        return (x * self.mask(x)).unflatten(1, (len(self.pattern), -1)).sum(1)

    def unfold(self, folded: Tensor) -> Tensor:
        """The inverse of `fold`, with zeros where the step does not code."""
        x = folded.repeat(1, len(self.pattern), 1, 1)
        return x * self.mask(x)


def quarter_steps() -> nn.ModuleList:
    """Of the quarter grid, in their order."""
    return nn.ModuleList(Step(2, checkers) for checkers in (CHECKERS, CHECKERS[::-1]))


def half_steps() -> nn.ModuleList:
    """Of the half grid, in their order."""
    orders = ((3, 2, 1, 0), (2, 3, 0, 1), (1, 0, 3, 2))
    return nn.ModuleList(Step(2, [(QUARTER[k],) for k in order]) for order in orders)


def full_steps() -> nn.ModuleList:
    """Of the full grid, in their order."""
    orders = (
        *((2, 4, 6, 0, 3, 5, 7, 1), (3, 5, 7, 1, 2, 4, 6, 0), (4, 6, 0, 2, 5, 7, 1, 3)),
        *((5, 7, 1, 3, 4, 6, 0, 2), (6, 0, 2, 4, 7, 1, 3, 5), (7, 1, 3, 5, 6, 0, 2, 4)),
    )
    return nn.ModuleList(Step(4, [PAIRS[k] for k in order]) for order in orders)


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


def _moves(group: int, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Where the values of a group of channels are on the full grid, and where they go on the half grid, row by row."""
    sources = _at(height, width, *HALF[group], 2, device) & ~_at(height, width, *LEFT_OUT[group], 4, device)
    targets = ~_at(height // 2, width // 2, *QUARTER[group // 2], 2, device)
    count = 3 * height * width // 16
    return _first(sources, count), _first(targets, count)


def _first(places: Tensor, count: int) -> Tensor:
    """The indexes of the true ones, of which there are `count`; without waiting for them to be counted."""
    return torch.argsort((~places).flatten().to(torch.uint8), stable=True)[:count]


def _at(height: int, width: int, row: int, col: int, cell: int, device: torch.device) -> Tensor:
    """Where a phase of cells is in a map: [height, width]."""
    rows, cols = (torch.arange(side, device=device) % cell for side in (height, width))
    return (rows == row)[:, None] & (cols == col)
