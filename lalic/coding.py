"""What can be done with y once its Gaussians are known: estimate its rate, encode it, decode it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from compressai import ans
from compressai.entropy_models import GaussianConditional
from torch import Tensor

from lalic.context import merge_checkerboard, split_checkerboard

Strings = list[bytes]  # one per image of the batch


def scale_table() -> list[float]:
    """The 64 scales that have a table, 0.11 to 256 in equal steps of their logarithm."""
    low, high = math.log(0.11), math.log(256)
    return torch.linspace(low, high, 64).exp().tolist()


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: object, x: Tensor) -> Tensor:
        return torch.round(x)

    @staticmethod
    def backward(_ctx: object, gradient: Tensor) -> Tensor:
        return gradient


def quantise(x: Tensor, means: Tensor) -> Tensor:
    """round(x - means) + means, exactly; the gradient passes through the rounding."""
    residual = x - means
    rounded = _Round.apply(residual) if residual.requires_grad else torch.round(residual)
    return rounded + means


class GaussianTables:
    """The quantised Gaussians of an updated GaussianConditional, as the rANS coder takes them."""

    def __init__(self, model: GaussianConditional) -> None:
        self.lengths: list[int] = model.cdf_length.tolist()
        self.offsets: list[int] = model.offset.tolist()
        rows = model.quantized_cdf.tolist()
        # Rows are cut to their length: the coder copies the tables at every call, and seven eighths is filling.
        self.cdfs = [row[:length] for row, length in zip(rows, self.lengths, strict=True)]
        self.bounds = model.scale_table[:-1]

    def indexes(self, scales: Tensor) -> Tensor:
        """Index of each scale's table: the smallest scale in the table that is not below it."""
        return torch.bucketize(scales, self.bounds.to(scales))

    def encode(self, symbols: Tensor, scales: Tensor) -> Strings:
        """symbols: integers in floating point, shaped like scales [B, ...]."""
        rows = zip(symbols.int().flatten(1).tolist(), self.indexes(scales).flatten(1).tolist(), strict=True)
        tables = (self.cdfs, self.lengths, self.offsets)
        return [ans.RansEncoder().encode_with_indexes(row, indexes, *tables) for row, indexes in rows]

    def decode(self, strings: Strings, scales: Tensor) -> Tensor:
        """Symbols shaped, typed and placed like scales [B, ...]."""
        rows = zip(strings, self.indexes(scales).flatten(1).tolist(), strict=True)
        tables = (self.cdfs, self.lengths, self.offsets)
        symbols = [ans.RansDecoder().decode_with_indexes(string, indexes, *tables) for string, indexes in rows]
        return torch.tensor(symbols, dtype=torch.int32).to(scales).view_as(scales)


class Latents:
    """y cut into coding passes."""

    def __init__(self, y: Tensor, groups: Sequence[int]) -> None:
        self._parts = [part.split(list(groups), 1) for part in split_checkerboard(y)]

    def of(self, group: int, part: int) -> Tensor:
        """y of one pass, [B, group width, h, w / 2]."""
        return self._parts[part][group]


class Estimator:
    """A Coder that notes the likelihoods: of y_hat, or in training of y with uniform noise instead of rounding."""

    def __init__(self, latents: Latents, model: GaussianConditional) -> None:
        self.latents = latents
        self.model = model
        self._noted: list[Tensor] = []

    def __call__(self, group: int, part: int, scales: Tensor, means: Tensor) -> Tensor:
        y = self.latents.of(group, part)
        self._noted.append(self.model(y, scales, means)[1])
        return quantise(y, means)

    def likelihoods(self) -> Tensor:
        """[B, M, h, w], channels in the order of y."""
        pairs = zip(self._noted[::2], self._noted[1::2], strict=True)
        return torch.cat([merge_checkerboard(*pair) for pair in pairs], 1)


class Encoder:
    """A Coder that writes one string per pass and image to `strings`."""

    def __init__(self, latents: Latents, tables: GaussianTables) -> None:
        self.latents = latents
        self.tables = tables
        self.strings: list[Strings] = []

    def __call__(self, group: int, part: int, scales: Tensor, means: Tensor) -> Tensor:
        symbols = torch.round(self.latents.of(group, part) - means)
        self.strings.append(self.tables.encode(symbols, scales))
        return symbols + means


class Decoder:
    """A Coder that reads those strings in the same order."""

    def __init__(self, strings: Iterable[Strings], tables: GaussianTables) -> None:
        self._strings = iter(strings)
        self.tables = tables

    def __call__(self, group: int, part: int, scales: Tensor, means: Tensor) -> Tensor:
        return self.tables.decode(next(self._strings), scales) + means
