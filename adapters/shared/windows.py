"""Cutting maps into windows and putting them together again."""

from __future__ import annotations

from torch import Tensor


def partition(x: Tensor, rows: int, cols: int) -> Tensor:
    """x [B, H, W, C] -> [B * windows, rows * cols, C]: windows and the tokens in them row by row.

    C may be several dimensions. Raises ValueError where H or W is no multiple of the window's.
    """
    batch, height, width, *channels = x.shape
    if height % rows or width % cols:
        raise ValueError(f"a map of {height}x{width} cannot be cut into windows of {rows}x{cols}: pad it to multiples.")
    cells = x.reshape(batch, height // rows, rows, width // cols, cols, *channels)
    return cells.transpose(2, 3).reshape(-1, rows * cols, *channels)


def merge(windows: Tensor, rows: int, cols: int, height: int, width: int) -> Tensor:
    """Undo `partition` of a map of height x width: [B * windows, rows * cols, C] -> [B, height, width, C]."""
    channels = windows.shape[-1]
    cells = windows.reshape(-1, height // rows, width // cols, rows, cols, channels)
    return cells.transpose(2, 3).reshape(-1, height, width, channels)
