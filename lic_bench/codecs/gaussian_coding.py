"""Coding a latent y whose Gaussians are predicted pass by pass: estimate its rate, encode it, decode it.

For codecs that compute scales and means from what is decoded already. Estimator, Encoder and Decoder are called alike,
so that all three compute the same with the same shapes and memory layouts, on which the rounding of convolutions
depends: if the decoder's scale differs by a single bit, it can lose the rANS stream.
"""

import math
from collections.abc import Iterable
from itertools import chain
from typing import Protocol

import torch
from compressai import ans
from compressai.entropy_models import GaussianConditional
from torch import Tensor

from lic_bench.phase_marks import COPIES, ENTROPY_CODER, mark

Strings = list[bytes]  # one per image of the batch
Tables = tuple[list[list[int]], list[int], list[int]]  # CDFs, their lengths, their first symbols


class Coder(Protocol):
    """Processes one coding pass over y once its Gaussians are known."""

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """y_hat of the next pass. scales, means and the result: [B, ...] of one shape."""
        ...


def scale_table(low: float = 0.11, high: float = 256, count: int = 64) -> list[float]:
    """`count` scales from low to high in equal steps of their logarithm; by default CompressAI's."""
    return torch.linspace(math.log(low), math.log(high), count).exp().tolist()


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: object, x: Tensor) -> Tensor:
        return torch.round(x)

    @staticmethod
    def backward(_ctx: object, gradient: Tensor) -> Tensor:
        return gradient


def quantise(x: Tensor, means: Tensor) -> Tensor:
    """round(x - means) + means; the gradient passes through the rounding."""
    residual = x - means
    rounded: Tensor = _Round.apply(residual) if residual.requires_grad else torch.round(residual)
    return rounded + means


def split_checkerboard(image: Tensor) -> tuple[Tensor, Tensor]:
    """[B, C, h, w], h and w even -> the positions of even and of odd row + column, [B, C, h, w / 2] in order."""
    batch, channels, height, width = image.shape
    cells = image.reshape(batch, channels, height // 2, 2, width // 2, 2)
    even = torch.stack((cells[:, :, :, 0, :, 0], cells[:, :, :, 1, :, 1]), 3)
    odd = torch.stack((cells[:, :, :, 0, :, 1], cells[:, :, :, 1, :, 0]), 3)
    return even.flatten(2, 3), odd.flatten(2, 3)


def merge_checkerboard(even: Tensor, odd: Tensor) -> Tensor:
    """The inverse of `split_checkerboard`."""
    batch, channels, height, width = even.shape
    even, odd = (part.reshape(batch, channels, height // 2, 2, width) for part in (even, odd))
    upper = torch.stack((even[:, :, :, 0], odd[:, :, :, 0]), -1)
    lower = torch.stack((odd[:, :, :, 1], even[:, :, :, 1]), -1)
    return torch.stack((upper, lower), 3).flatten(4, 5).flatten(2, 3)


class GaussianTables:
    """The quantised Gaussians of an updated GaussianConditional in the form that the rANS coder takes."""

    def __init__(self, model: GaussianConditional) -> None:
        lengths: list[int] = model.cdf_length.tolist()
        rows = model.quantized_cdf.tolist()
        # Each row is cut to its length: the coder copies the tables at every call, and seven eighths are padding.
        cdfs = [row[:length] for row, length in zip(rows, lengths, strict=True)]
        self.all: Tables = (cdfs, lengths, model.offset.tolist())
        self.bounds: Tensor = model.scale_table[:-1]

    def indexes(self, scales: Tensor) -> Tensor:
        """Per scale the index of the smallest scale with a table that is at least as large, else of the largest."""
        with mark(ENTROPY_CODER):
            return torch.bucketize(scales.contiguous(), self.bounds.to(scales))


class Estimator:
    """A Coder that collects likelihoods: of y_hat, or in training of y with uniform noise instead of rounding.

    passes: y cut into its coding passes, in their order.
    """

    def __init__(self, passes: Iterable[Tensor], model: GaussianConditional) -> None:
        self._passes = iter(passes)
        self._model = model
        self.likelihoods: list[Tensor] = []

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """Take the next pass; its y_hat."""
        y = next(self._passes)
        self.likelihoods.append(self._model(y, scales, means)[1])
        return quantise(y, means).contiguous()


class Encoder:
    """A Coder that collects the symbols to write. passes: y cut into its coding passes, in their order."""

    def __init__(self, passes: Iterable[Tensor], tables: GaussianTables) -> None:
        self._passes = iter(passes)
        self._tables = tables
        self._collected: list[list[tuple[list[int], list[int]]]] = []  # pass, image -> symbols, indexes

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """Collect the symbols of the next pass; its y_hat."""
        symbols = torch.round(next(self._passes) - means)
        rows = lists_per_image(symbols.int()), lists_per_image(self._tables.indexes(scales))
        self._collected.append(list(zip(*rows, strict=True)))
        return (symbols + means).contiguous()

    def strings(self) -> list[Strings]:
        """One string per pass and image."""
        return [[self._encode(*row) for row in rows] for rows in self._collected]

    def joined(self) -> Strings:
        """One string per image, its passes one after the other."""
        return [
            self._encode(*map(_concatenate, zip(*passes, strict=True))) for passes in zip(*self._collected, strict=True)
        ]

    def _encode(self, symbols: list[int], indexes: list[int]) -> bytes:
        with mark(ENTROPY_CODER):
            string: bytes = ans.RansEncoder().encode_with_indexes(symbols, indexes, *self._tables.all)
        return string


class Decoder:
    """A Coder that reads what an Encoder's `strings` wrote, one string per pass and image."""

    def __init__(self, strings: Iterable[Strings], tables: GaussianTables) -> None:
        self._strings = iter(strings)
        self._tables = tables

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """Decode the next pass; its y_hat."""
        rows = zip(next(self._strings), lists_per_image(self._tables.indexes(scales)), strict=True)
        with mark(ENTROPY_CODER):
            symbols = [ans.RansDecoder().decode_with_indexes(string, row, *self._tables.all) for string, row in rows]
        return _add_means(symbols, scales, means)


class JoinedDecoder:
    """A Coder that reads what an Encoder's `joined` wrote, one string per image."""

    def __init__(self, strings: Strings, tables: GaussianTables) -> None:
        self._tables = tables
        self._decoders = [ans.RansDecoder() for _ in strings]
        for decoder, string in zip(self._decoders, strings, strict=True):
            decoder.set_stream(string)

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """Decode the next pass; its y_hat."""
        rows = zip(self._decoders, lists_per_image(self._tables.indexes(scales)), strict=True)
        with mark(ENTROPY_CODER):
            symbols = [decoder.decode_stream(row, *self._tables.all) for decoder, row in rows]
        return _add_means(symbols, scales, means)


def lists_per_image(values: Tensor) -> list[list[int]]:
    """Whole numbers [B, ...] on any device -> one list per image, as the rANS coder takes them."""
    with mark(COPIES):
        return values.flatten(1).tolist()


def _concatenate(lists: Iterable[list[int]]) -> list[int]:
    with mark(COPIES):
        return list(chain.from_iterable(lists))


def _add_means(symbols: list[list[int]], scales: Tensor, means: Tensor) -> Tensor:
    with mark(COPIES):
        residual = torch.tensor(symbols, dtype=torch.int32).to(scales).view(scales.shape)
    return (residual + means).contiguous()
