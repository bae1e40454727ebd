"""DISTS: structure and texture similarity of VGG-16's activations.

Ding et al., "Image quality assessment: unifying structure and texture similarity", TPAMI 2022, arXiv:2004.07728.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
STAGES = (2, 2, 3, 3, 3)  # convolutions between two poolings
CONSTANT = 1e-6  # in both similarities, against division by zero


class Dists:
    """The distance of two pictures [1, 3, H, W] in [0, 1]; 0 for identical ones.

    convolutions: weight and bias of VGG-16's 13, in turn. alpha, beta: of structure and texture, [1, 1475, 1, 1], of
    the picture's three channels and those of the five stages.
    """

    def __init__(self, convolutions: Sequence[Tensor], alpha: Tensor, beta: Tensor) -> None:
        self.convolutions = list(zip(convolutions[::2], convolutions[1::2], strict=True))
        total = alpha.sum() + beta.sum()
        self.alpha, self.beta = (alpha / total).flatten(), (beta / total).flatten()

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        pairs = zip(self.activations(x), self.activations(y), strict=True)
        means, textures = zip(*(similarities(*pair) for pair in pairs), strict=True)
        return 1 - (self.alpha * torch.cat(means)).sum() - (self.beta * torch.cat(textures)).sum()

    def activations(self, x: Tensor) -> list[Tensor]:
        """The picture itself, and what leaves each stage."""
        found = [x]
        y = (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        remaining = iter(self.convolutions)
        for stage, count in enumerate(STAGES):
            if stage:
                y = pooled(y)
            for _ in range(count):
                y = F.relu(F.conv2d(y, *next(remaining), padding=1))
            found.append(y)
        return found


def similarities(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Of the means, and of what varies, by channel: [1, C, H, W] twice -> [C] twice."""
    x, y = x[0].flatten(1), y[0].flatten(1)
    mean_x, mean_y = x.mean(1), y.mean(1)
    covariance = ((x - mean_x[:, None]) * (y - mean_y[:, None])).mean(1)
    of_means = (2 * mean_x * mean_y + CONSTANT) / (mean_x**2 + mean_y**2 + CONSTANT)
    variances = x.var(1, correction=0) + y.var(1, correction=0)
    return of_means, (2 * covariance + CONSTANT) / (variances + CONSTANT)


def pooled(x: Tensor) -> Tensor:
    """The root of the squares under a Hann window, every second sample: without the aliasing of maxima."""
    taps = torch.tensor((0.25, 0.5, 0.25))
    window = (taps[:, None] * taps).expand(x.shape[1], 1, 3, 3)
    return (F.conv2d(x**2, window, stride=2, padding=1, groups=x.shape[1]) + 1e-12).sqrt()
