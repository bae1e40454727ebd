"""How a codec is trained: the loss, and the stages of learning rate and crop; the defaults are LALIC's (section 4.1).

Feng et al., Linear Attention Modeling for Learned Image Compression, CVPR 2025, arXiv:2502.05741.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import get_args

from lic_bench.errors import UserError
from lic_bench.spec import CodecSpec, Metric

METRICS: tuple[Metric, ...] = get_args(Metric)
LAMBDAS: dict[Metric, tuple[float, ...]] = {  # of quality 1, 2, ...; the first one as in the authors' code
    "mse": (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483),
    "ms-ssim": (2.40, 4.58, 8.73, 16.64, 31.73, 60.50),
}
BATCH, CROP, LEARNING_RATE = 8, 256, 1e-4
EPOCHS = (40, 4, 4)  # of the three stages: the rate, a tenth of it, the same with crops of twice the side
AUXILIARY_RATE = 1e-3  # of the entropy bottleneck's quantiles
LARGEST_GRADIENT = 1.0  # norm, to which longer gradients are shortened


@dataclass(frozen=True, slots=True)
class Stage:
    """steps: optimiser steps. rate: Adam's learning rate. crop: side of the square crops in pixels."""

    steps: int
    rate: float
    crop: int


def stages(pictures: int, batch: int, crop: int, rate: float, steps: int | None) -> tuple[Stage, ...]:
    """The paper's three stages for so many pictures. steps: of all together, shared out as the paper's epochs are."""
    total = steps or sum(EPOCHS) * ceil(pictures / batch)
    fine = total * EPOCHS[1] // sum(EPOCHS)
    return tuple(
        stage
        for stage in (
            Stage(total - 2 * fine, rate, crop),
            Stage(fine, rate / 10, crop),
            Stage(fine, rate / 10, 2 * crop),
        )
        if stage.steps
    )


def lambda_of(spec: CodecSpec, quality: int, metric: Metric) -> float:
    """The trade-off that a quality stands for. Raises UserError where neither the codec nor the paper has one."""
    released = spec.checkpoints.get(quality)
    if metric == spec.optimised_for and released is not None and released.lmbda is not None:
        return released.lmbda
    known: Sequence[float] = LAMBDAS[metric]
    if 1 <= quality <= len(known):
        return known[quality - 1]
    raise UserError(
        f"--quality {quality}: no lambda is known for {metric} at this quality of {spec.name}; add --lmbda."
    )
