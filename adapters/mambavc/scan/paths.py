"""The four orders in which the pixels of a picture are scanned."""

from __future__ import annotations

import torch
from torch import Tensor


def scan_paths(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """[4, H * W], the pixels, counted row by row, in the order of each direction.

    Rows from the top left, columns from the top left, and both backwards.
    """
    rows = torch.arange(height * width, device=device)
    columns = rows.view(height, width).t().flatten()
    return torch.stack([rows, columns, rows.flip(0), columns.flip(0)])
