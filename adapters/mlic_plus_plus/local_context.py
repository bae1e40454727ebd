"""The local context of MLIC++: attention inside the 5x5 window around every position (arXiv:2307.15421)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adapters.mlic_plus_plus.checkerboard import only_anchors

WINDOW, HEADS = 5, 2
CELLS, REACH = WINDOW**2, WINDOW // 2
NO_PAIR = -100.0
POSITIONS = 8192  # windows at a time: their logits take 41 MB in float32


class LocalContext(nn.Module):
    """What the anchors say about the positions near them.

    Every cell of a window asks every cell of it, and a convolution reduces the answers to one vector. NO_PAIR is added
    where not both are anchors inside the picture; a cell that is none itself gets it everywhere, so it asks them all.
    """

    def __init__(self, width: int) -> None:
        """width: channels of a slice; the context has twice as many."""
        super().__init__()
        outputs = 2 * width
        self.relative_position_table = nn.Parameter(torch.empty((2 * WINDOW - 1) ** 2, HEADS))
        nn.init.trunc_normal_(self.relative_position_table, std=0.02)
        self.register_buffer("relative_position_index", relative_position_index())
        self.norm1 = nn.LayerNorm(width)
        self.qkv_proj = nn.Linear(width, 3 * width)
        self.softmax = nn.Softmax(-1)
        self.fusion = nn.Conv2d(width, outputs, WINDOW)
        self.proj = nn.Linear(outputs, outputs)
        self.norm2 = nn.LayerNorm(outputs)
        self.mlp = Mlp(outputs, 2 * outputs)

    def forward(self, anchors: Tensor) -> Tensor:
        """[B, width, h, w], zeros at the other positions -> [B, 2 width, h, w]."""
        batch, _, height, width = anchors.shape
        qkv = self.qkv_proj(self.norm1(anchors.permute(0, 2, 3, 1)))
        # The input's channels go to the heads in turn, the output's in blocks: as the authors have it.
        qkv = qkv.unflatten(3, (3, -1, HEADS)).transpose(4, 5).flatten(3)
        cells, is_anchor = around(qkv), around(_pattern(anchors))
        rows = max(1, POSITIONS // (batch * width))
        parts = [self._attend(cells[:, at : at + rows], is_anchor[:, at : at + rows]) for at in range(0, height, rows)]
        x = self.proj(torch.cat(parts, 1))
        return (x + self.mlp(self.norm2(x))).permute(0, 3, 1, 2).contiguous()

    def _attend(self, qkv: Tensor, is_anchor: Tensor) -> Tensor:
        """Windows of the projection, [B, n, w, C, 5, 5], and of the anchors' pattern, [1, n, w, 1, 5, 5], to vectors.

        The result is [B, n, w, 2 width].
        """
        batch, height, width = qkv.shape[:3]
        queries, keys, values = (
            qkv.unflatten(3, (3, HEADS, -1)).permute(3, 0, 1, 2, 4, 6, 7, 5).flatten(5, 6).flatten(1, 3).unbind()
        )  # [n, heads, cells, head width]
        logits = (queries * queries.shape[-1] ** -0.5 @ keys.transpose(2, 3)).unflatten(0, (batch, -1))
        logits += self._relative()
        pairs = is_anchor.reshape(1, height * width, 1, 1, CELLS)
        logits += NO_PAIR * (1 - pairs.transpose(3, 4) * pairs)
        attended = self.softmax(logits).flatten(0, 1) @ values
        patches = attended.transpose(2, 3).reshape(len(attended), -1, WINDOW, WINDOW)
        return self.fusion(patches).view(batch, height, width, -1)

    def _relative(self) -> Tensor:
        """The bias of each pair of cells in a window, [heads, 25, 25]."""
        return self.relative_position_table[self.relative_position_index].permute(2, 0, 1)


class Mlp(nn.Module):
    """Two pointwise layers on tokens."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.gelu = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] -> the same."""
        return self.fc2(self.gelu(self.fc1(x)))


def relative_position_index() -> Tensor:
    """Which entry of the table belongs to a pair of cells, [25, 25]: (rows between + 4) 9 + (columns between + 4)."""
    cell = torch.arange(CELLS)
    row, column = cell // WINDOW, cell % WINDOW
    down, across = row[:, None] - row, column[:, None] - column
    return (down + WINDOW - 1) * (2 * WINDOW - 1) + across + WINDOW - 1


def around(image: Tensor) -> Tensor:
    """The 5x5 windows around every position of [B, h, w, C], zeros outside: a view [B, h, w, C, 5, 5]."""
    margin = (0, 0, REACH, REACH, REACH, REACH)
    return F.pad(image, margin).unfold(1, WINDOW, 1).unfold(2, WINDOW, 1)


def _pattern(image: Tensor) -> Tensor:
    """1 at anchors, 0 elsewhere, [1, h, w, 1]."""
    height, width = image.shape[2:]
    return only_anchors(image.new_ones(1, 1, height, width // 2)).permute(0, 2, 3, 1)
