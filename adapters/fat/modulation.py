"""Frequency modulation (Li et al., ICLR 2024, arXiv:2310.16387, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from adapters.shared.windows import merge, partition


class FrequencyModulation(nn.Module):
    """A learned complex factor per channel and frequency of each size x size window."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.size = size
        ones = torch.ones(size, size // 2 + 1, width, dtype=torch.complex64)
        self.complex_weight = nn.Parameter(torch.view_as_real(ones).clone())

    def forward(self, x: Tensor) -> Tensor:
        """x [B, H, W, C] -> the same shape and type; below float32 transformed in float32, as there is no other way."""
        size, shape = (self.size, self.size), x.shape[1:3]
        wide = torch.promote_types(x.dtype, torch.float32)
        windows = partition(x.to(wide), *size).unflatten(1, size)
        factors = torch.view_as_complex(self.complex_weight.to(wide, memory_format=torch.contiguous_format))
        spectrum = torch.fft.rfft2(windows, dim=(1, 2), norm="ortho") * factors
        # The product is not Hermitian: irfft2 ignores the imaginary parts of the first and last column, as it has to.
        modulated = torch.fft.irfft2(spectrum, s=size, dim=(1, 2), norm="ortho")
        return merge(modulated.flatten(1, 2).to(x), *size, *shape)
