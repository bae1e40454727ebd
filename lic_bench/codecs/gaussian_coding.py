"""Coding a latent y whose Gaussians are predicted pass by pass: estimate its rate, encode it, decode it.

For codecs that compute scales and means from what is decoded already. Estimator, Encoder and Decoder are called alike,
so that all three compute the same with the same shapes and memory layouts, on which the rounding of convolutions
depends: if the decoder's scale differs by a single bit, it can lose the rANS stream.
"""

import math
from collections.abc import Iterable
from typing import Any, Protocol

import torch
from compressai.entropy_models import GaussianConditional
from torch import Tensor

from lic_bench.codecs.entropy_models import coder_of
from lic_bench.codecs.rans import GaussianIndexer
from lic_bench.phase_marks import COPIES, ENTROPY_CODER, mark

Strings = list[bytes]  # one per image of the batch


class Coder(Protocol):
    """Processes one coding pass over y once its Gaussians are known."""

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """y_hat of the next pass, contiguous. scales, means and the result: [B, ...] of one shape."""
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
    """The quantised Gaussians of an updated GaussianConditional, for the coder that this codes with."""

    def __init__(self, model: GaussianConditional) -> None:
        self.coder = coder_of(model)
        self.tables: Any = self.coder.Tables(model.quantized_cdf, model.cdf_length, model.offset)
        self._indexer = GaussianIndexer(model.scale_table)

    def indexes(self, scales: Tensor) -> Tensor:
        """Per scale the index of the smallest scale with a table that is at least as large, else of the largest."""
        with mark(ENTROPY_CODER):
            return self._indexer.indexes(scales)

    def symbols(self, y: Tensor, scales: Tensor, means: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(round(y - means), `indexes`, y_hat): the first two int32, all where y is."""
        with mark(ENTROPY_CODER):
            return self._indexer.symbols(y, scales, means)


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
        self._collected: list[tuple[Tensor, Tensor]] = []  # symbols and indexes of each pass

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """Collect the symbols of the next pass; its y_hat."""
        symbols, indexes, y_hat = self._tables.symbols(next(self._passes), scales, means)
        self._collected.append((symbols, indexes))
        return y_hat

    def strings(self) -> list[Strings]:
        """One string per pass and image."""
        return [[self._encoded([part]) for part in images] for images in self._images()]

    def joined(self) -> Strings:
        """One string per image, its passes one after the other."""
        return [self._encoded(passes) for passes in zip(*self._images(), strict=True)]

    def _images(self) -> list[list[tuple[Tensor, Tensor]]]:
        """Of each pass and image the symbols and indexes."""
        return [list(zip(*part, strict=True)) for part in _on_host(self._collected)]

    def _encoded(self, passes: Iterable[tuple[Tensor, Tensor]]) -> bytes:
        with mark(ENTROPY_CODER):
            encoder = self._tables.coder.Encoder()
            for symbols, indexes in passes:
                encoder.put(symbols, indexes, self._tables.tables)
            string: bytes = encoder.flush()
        return string


def _on_host(passes: list[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    """These int32 tensors in host memory, by one copy for all of them, for which a GPU is waited."""
    parts = [part for pair in passes for part in pair]
    if not parts or parts[0].device.type == "cpu":
        return passes
    with mark(COPIES):
        whole = torch.cat([part.flatten() for part in parts]).cpu()
        pieces = torch.split(whole, [part.numel() for part in parts])
        shaped = [piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True)]
    return list(zip(shaped[::2], shaped[1::2], strict=True))


class Decoder:
    """A Coder that reads what an Encoder's `strings` wrote, one string per pass and image."""

    def __init__(self, strings: Iterable[Strings], tables: GaussianTables) -> None:
        self._strings = iter(strings)
        self._tables = tables

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """Decode the next pass; its y_hat."""
        return JoinedDecoder(next(self._strings), self._tables)(scales, means)


class JoinedDecoder:
    """A Coder that reads what an Encoder's `joined` wrote, one string per image."""

    def __init__(self, strings: Strings, tables: GaussianTables) -> None:
        self._tables = tables
        with mark(ENTROPY_CODER):
            self._decoders = [tables.coder.Decoder(string) for string in strings]

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """Decode the next pass; its y_hat."""
        indexes = self._tables.indexes(scales)
        with mark(COPIES):
            indexes = indexes.cpu()
        with mark(ENTROPY_CODER):
            images = [d.get(row, self._tables.tables) for d, row in zip(self._decoders, indexes, strict=True)]
            symbols = torch.stack(images)
        with mark(COPIES):
            if scales.is_cuda:
                symbols = symbols.pin_memory()  # else the host waits for the copy
            symbols = symbols.to(scales.device, non_blocking=True)
        return (symbols.to(scales.dtype) + means).contiguous()
