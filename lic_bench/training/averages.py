"""Means over the steps between two points of the curve."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lic_bench.training.trainer import StepNumbers


@dataclass(slots=True)
class Averages:
    """Sums over `steps` steps; `seconds` is the time they took."""

    steps: int = 0
    loss: float = 0.0
    bpp: float = 0.0
    mse: float = 0.0
    seconds: float = 0.0

    def add(self, numbers: StepNumbers, seconds: float) -> None:
        """Count one more step."""
        self.steps += 1
        self.loss += numbers.loss
        self.bpp += numbers.bpp
        self.mse += numbers.mse
        self.seconds += seconds

    def means(self) -> Mapping[str, float]:
        """loss, bpp, psnr_db (of the mean MSE) and steps_per_s."""
        psnr_db = -10 * math.log10(self.mse / self.steps) if self.mse else math.inf
        return {
            "loss": self.loss / self.steps,
            "bpp": self.bpp / self.steps,
            "psnr_db": psnr_db,
            "steps_per_s": self.steps / self.seconds if self.seconds else math.inf,
        }
