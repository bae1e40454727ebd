"""Tables by which a rANS coder codes integers whose Gaussians have any mean.

y is rounded without subtracting the mean, so the fraction of the mean shapes the distribution. With m = round(mean) and
f = mean - m in [-0.5, 0.5], the symbol is q - m, with its sign turned where f < 0: then f in [0, 0.5] suffices. A table
belongs to a scale and to the distance (0.5 - f) / scale to the nearest decision boundary: counted in scales, its steps
may be equally wide at all scales, and below the least scale, where only that boundary matters, one row of tables does.
"""

from __future__ import annotations

import functools
import math
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from adapters.fat.gaussian import SCALE_BOUND, cumulative
from lic_bench.phase_marks import COPIES, ENTROPY_CODER, mark

LEAST_SCALE, GREATEST_SCALE = 0.1, 256.0  # at the least, the other boundary is at least 5 scales away
SCALE_STEP = 0.1  # of the logarithm
DISTANCE_STEP = 0.1  # in scales
GREATEST_DISTANCE = 4.5  # in scales: beyond, the nearest integer is certain to within 2 ** -16
LEAST_REACH = 4  # symbols on each side that have an entry at any scale
PRECISION = 16  # bits of the coder's frequencies


class IntegerTables:
    """The tables and which of them a Gaussian takes. `all`: in the form that the coder takes."""

    def __init__(self, coder: ModuleType) -> None:
        """coder: a module as `lic_bench.codecs.entropy_models.coder_of` gives it."""
        self.scales = _scales()
        cells = [_cells(scale) for scale in self.scales]
        self._bounds = torch.tensor(np.sqrt(self.scales[1:] * self.scales[:-1]))
        self._cells = torch.tensor(cells)
        self._first = torch.tensor(np.cumsum([0, *cells[:-1]]))
        tables = [_table(scale, cell) for scale, count in zip(self.scales, cells, strict=True) for cell in range(count)]
        cdfs = pad_sequence([cdf for cdf, _ in tables], batch_first=True)
        lengths = torch.tensor([len(cdf) for cdf, _ in tables])
        self.all: Any = coder.Tables(cdfs, lengths, torch.tensor([first for _, first in tables]))

    def indexes(self, scales: Tensor, means: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(index of the table, m, sign) such that the symbol of q is sign * (q - m); of one shape, m and sign float64.

        On the CPU in float64, whatever the input, so that nothing depends on where and how the network ran.
        """
        with mark(COPIES):
            scales, means = (part.detach().cpu().double().contiguous() for part in (scales, means))
        with mark(ENTROPY_CODER):
            nearest = torch.round(means)
            fraction = means - nearest
            row = torch.bucketize(scales, self._bounds)
            distance = (0.5 - fraction.abs()) / scales.clamp_min(SCALE_BOUND)
            cell = torch.minimum((distance / DISTANCE_STEP).long(), self._cells[row] - 1)
            sign = torch.where(fraction < 0, -1.0, 1.0).double()
            return self._first[row] + cell, nearest, sign


@functools.cache
def integer_tables(coder: ModuleType) -> IntegerTables:
    """The tables, made once for a coder: they follow from the constants above."""
    return IntegerTables(coder)


def _scales() -> NDArray[np.float64]:
    count = math.ceil(math.log(GREATEST_SCALE / LEAST_SCALE) / SCALE_STEP) + 1
    return np.geomspace(LEAST_SCALE, GREATEST_SCALE, count)


def _cells(scale: float) -> int:
    """How many distances a scale has tables for: from 0 to that of f = 0, or to where all is certain."""
    return math.ceil(min(0.5 / scale, GREATEST_DISTANCE) / DISTANCE_STEP)


def _table(scale: float, cell: int) -> tuple[Tensor, int]:
    """(cumulative frequencies, first symbol); the last entry is the escape for symbols without one."""
    distance = min((cell + 0.5) * DISTANCE_STEP, 0.5 / scale)
    fraction = 0.5 - distance * scale
    reach = max(math.ceil(GREATEST_DISTANCE * scale), LEAST_REACH)
    edges = torch.arange(-reach, reach + 2, dtype=torch.float64) - 0.5
    shares = cumulative((edges - fraction) / scale)
    entries = torch.arange(len(edges) + 1)
    # Each entry gets one, the rest is shared out: no frequency is 0, and the escape gets both tails.
    free = 2**PRECISION - len(edges)
    cdf = torch.cat([torch.zeros(1).long(), ((shares[1:] - shares[0]) * free).long(), torch.tensor([free])]) + entries
    return cdf, -reach
