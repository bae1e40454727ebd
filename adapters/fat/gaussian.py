"""The Gaussian model of y: of integers, though the mean is none."""

from __future__ import annotations

import math

import torch
from compressai.ops import LowerBound
from torch import Tensor, nn

SCALE_BOUND = 0.01
LIKELIHOOD_BOUND = 1e-9


class IntegerGaussian(nn.Module):
    """Likelihood of q under a Gaussian integrated over [q - 0.5, q + 0.5]."""

    def __init__(self) -> None:
        super().__init__()
        self.lower_bound_scale = LowerBound(SCALE_BOUND)
        self.likelihood_lower_bound = LowerBound(LIKELIHOOD_BOUND)

    def forward(self, q: Tensor, scales: Tensor, means: Tensor) -> Tensor:
        """Likelihoods in [1e-9, 1]; all of one shape. scales below 0.01 count as 0.01."""
        bounded = self.lower_bound_scale(scales)
        likelihoods: Tensor = self.likelihood_lower_bound(probability(q, bounded, means))
        return likelihoods


def probability(q: Tensor, scales: Tensor, means: Tensor) -> Tensor:
    """The integral, without any bound; exact also far from the mean."""
    distance = (q - means).abs()
    return cumulative((0.5 - distance) / scales) - cumulative((-0.5 - distance) / scales)


def cumulative(x: Tensor) -> Tensor:
    """The standard normal distribution function."""
    return 0.5 * torch.erfc(-math.sqrt(0.5) * x)
