"""The auxiliary paths of GLIC's transforms: a Haar wavelet and a linear map of each position (CVPR 2026).

The filters are buffers that a file holds. They are those of float32, in which 0.70710677 squared is 0.49999997.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HALF = 0.49999997
SIGNS = {"ll": ((1, 1), (1, 1)), "lh": ((1, 1), (-1, -1)), "hl": ((1, -1), (1, -1)), "hh": ((1, -1), (-1, 1))}


class Filters(nn.Module):
    """The four filters of the analysis, each [1, 1, 2, 2]."""

    def __init__(self) -> None:
        super().__init__()
        for band, signs in SIGNS.items():
            self.register_buffer(f"w_{band}", HALF * torch.tensor(signs)[None, None])

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, 2 h, 2 w] -> the four bands side by side, [B, 4 C, h, w]."""
        filters = torch.cat([getattr(self, f"w_{band}") for band in SIGNS])
        bands = F.conv2d(x.flatten(0, 1)[:, None], filters, stride=2)
        return bands.unflatten(0, x.shape[:2]).transpose(1, 2).flatten(1, 2)


class InverseFilters(nn.Module):
    """The four filters of the synthesis, [4, 1, 2, 2]."""

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filters", HALF * torch.tensor(list(SIGNS.values()))[:, None])

    def forward(self, bands: Tensor) -> Tensor:
        """[B, 4 C, h, w] -> [B, C, 2 h, 2 w]."""
        by_channel = bands.unflatten(1, (4, -1)).transpose(1, 2)
        pixels = F.conv_transpose2d(by_channel.flatten(0, 1), self.filters, stride=2)
        return pixels.view(*by_channel.shape[:2], *pixels.shape[2:])


def _factors(channels: int) -> Tensor:
    """Logarithms of a factor for each channel of each band, as training starts from them, [1, 1, 4 channels]."""
    return torch.tensor([0.5, 0.5, 0.5, 0]).repeat_interleave(channels)[None, None]


class WaveletDown(nn.Module):
    """[B, inputs, 2 h, 2 w] -> [B, outputs, h, w]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.scaling_factors = nn.Parameter(_factors(inputs))
        self.dwt = Filters()
        self.OLP = nn.ModuleDict({"linear": nn.Linear(4 * inputs, outputs)})

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        bands = self.dwt(x).permute(0, 2, 3, 1) * self.scaling_factors.exp()
        return self.OLP["linear"](bands).permute(0, 3, 1, 2)


class WaveletUp(nn.Module):
    """[B, inputs, h, w] -> [B, outputs, 2 h, 2 w]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.scaling_factors = nn.Parameter(_factors(outputs))
        self.idwt = InverseFilters()
        self.OLP = nn.ModuleDict({"linear": nn.Linear(inputs, 4 * outputs)})

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        bands = self.OLP["linear"](x.permute(0, 2, 3, 1)) / self.scaling_factors.exp()
        return self.idwt(bands.permute(0, 3, 1, 2))
