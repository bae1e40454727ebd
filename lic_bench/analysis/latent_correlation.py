"""How much of a latent's neighbourhood is left unpredicted: the local correlation of (y - mu) / sigma.

As in figure 9 of the LALIC paper: Pearson's correlation coefficient, over the channels, between the vector at one
position and the vector at a neighbour; here the mean over all positions whose neighbour is inside, and over images.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from lic_bench.analysis.latents import Latents

REACH = 2  # neighbours to each side


def latent_correlation(images: Iterable[Latents], reach: int = REACH) -> Tensor:
    """Mean over the images of `local_correlation` of (y - mu) / sigma."""
    return torch.stack([local_correlation((of.y - of.means) / of.scales, reach) for of in images]).mean(0)


def local_correlation(latent: Tensor, reach: int = REACH) -> Tensor:
    """[2 reach + 1, 2 reach + 1]: at [reach + i, reach + j] the correlation with the neighbour i below and j right.

    latent: [M, h, w] with h, w > reach. A vector of equal values correlates with nothing, 0.
    """
    centred = latent - latent.mean(0)
    unit = centred / centred.norm(dim=0).clamp_min(torch.finfo(latent.dtype).tiny)
    size = 2 * reach + 1
    return torch.stack([_shifted(unit, at // size - reach, at % size - reach) for at in range(size**2)]).view(
        size, size
    )


def _shifted(unit: Tensor, down: int, right: int) -> Tensor:
    """Mean of the products of the vectors at all positions with their neighbours' there."""
    _, height, width = unit.shape
    here = unit[:, max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    there = unit[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
    return (here * there).sum(0).mean()
