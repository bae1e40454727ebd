"""Entropy coders of the quantised y, slice after slice, by name.

"rans": rANS over the tables of adapters.fat.tables, compiled, in well under a second.
"range-coder": the authors' format, bit for bit; a table for every value and a coder in Python, so seconds per picture,
and the largest value of the picture as side information.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Protocol

import torch
from torch import Tensor

from adapters.fat.range_coder import RangeDecoder, RangeEncoder, largest, value_tables
from adapters.fat.tables import integer_tables
from lic_bench.codecs.gaussian_coding import Strings
from lic_bench.phase_marks import COPIES, ENTROPY_CODER, mark


class SliceCoder(Protocol):
    """What is done with one slice of y once its Gaussians are known."""

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """The quantised slice. scales, means and the result: [B, C, h, w]."""
        ...


class SliceEncoder(SliceCoder, Protocol):
    """A SliceCoder that writes. side_information: what the decoder has to be told besides the strings."""

    side_information: list[int]

    def strings(self) -> Strings:
        """One string per image, after the last slice."""
        ...


class RansSliceEncoder:
    """slices: the quantised y in coding order."""

    def __init__(self, slices: Sequence[Tensor], coder: ModuleType) -> None:
        self.side_information: list[int] = []
        self._slices = iter(slices)
        self._tables = integer_tables(coder)
        self._encoders = [coder.Encoder() for _ in slices[0]]

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """Code the next slice, [B, C, h, w], which is also the result."""
        q = next(self._slices)
        indexes, nearest, sign = self._tables.indexes(scales, means)
        with mark(COPIES):
            on_host = q.cpu()
        with mark(ENTROPY_CODER):
            symbols = (sign * (on_host - nearest)).int()
            for encoder, of_image, its_indexes in zip(self._encoders, symbols, indexes, strict=True):
                encoder.put(of_image, its_indexes, self._tables.all)
        return q

    def strings(self) -> Strings:
        """End coding: one string per image."""
        with mark(ENTROPY_CODER):
            return [encoder.flush() for encoder in self._encoders]


class RansSliceDecoder:
    """strings: one per image."""

    def __init__(self, strings: Strings, side_information: Sequence[int], coder: ModuleType) -> None:
        check_side_information(side_information, 0)
        self._tables = integer_tables(coder)
        self._decoders = [coder.Decoder(string) for string in strings]

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """The next slice, [B, C, h, w], decoded."""
        indexes, nearest, sign = self._tables.indexes(scales, means)
        with mark(ENTROPY_CODER):
            images = [d.get(row, self._tables.all) for d, row in zip(self._decoders, indexes, strict=True)]
            decoded = nearest + sign * torch.stack(images)
        with mark(COPIES):
            return decoded.to(scales)


class RangeSliceEncoder:
    """slices: the quantised y in coding order."""

    def __init__(self, slices: Sequence[Tensor], _coder: ModuleType) -> None:
        self.side_information = [max(largest(part[i]) for part in slices) for i in range(len(slices[0]))]
        self._slices = iter(slices)
        self._encoders = [RangeEncoder() for _ in self.side_information]

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """Code the next slice, [B, C, h, w], which is also the result."""
        q = next(self._slices)
        for encoder, bound, *parts in zip(self._encoders, self.side_information, q, scales, means, strict=True):
            values, *gaussians = map(in_coding_order, parts)
            with mark(ENTROPY_CODER):
                encoder.encode((values + bound).int().tolist(), value_tables(*gaussians, bound))
        return q

    def strings(self) -> Strings:
        """End coding: one string per image."""
        with mark(ENTROPY_CODER):
            return [encoder.close() for encoder in self._encoders]


class RangeSliceDecoder:
    """strings: one per image. side_information: the largest value of each image."""

    def __init__(self, strings: Strings, side_information: Sequence[int], _coder: ModuleType) -> None:
        check_side_information(side_information, len(strings))
        self._bounds = side_information
        self._decoders = [RangeDecoder(string) for string in strings]

    def __call__(self, scales: Tensor, means: Tensor) -> Tensor:
        """The next slice, [B, C, h, w], decoded."""
        images = []
        for decoder, bound, *parts in zip(self._decoders, self._bounds, scales, means, strict=True):
            with mark(ENTROPY_CODER):
                values = torch.tensor(decoder.decode(value_tables(*map(in_coding_order, parts), bound))) - bound
            channels, rows, cols = parts[0].shape
            images.append(values.view(rows, cols, channels).permute(2, 0, 1))
        return torch.stack(images).to(scales)


ENCODERS: dict[str, Callable[[Sequence[Tensor], ModuleType], SliceEncoder]] = {
    "rans": RansSliceEncoder,
    "range-coder": RangeSliceEncoder,
}
DECODERS: dict[str, Callable[[Strings, Sequence[int], ModuleType], SliceCoder]] = {
    "rans": RansSliceDecoder,
    "range-coder": RangeSliceDecoder,
}


def encoder_of(name: str, slices: Sequence[Tensor], coder: ModuleType) -> SliceEncoder:
    """The encoder of that name for the quantised slices of y. Raises ValueError for a name there is none of.

    coder: of "rans", as `lic_bench.codecs.entropy_models.coder_of` gives it.
    """
    check_name(name, ENCODERS)
    return ENCODERS[name](slices, coder)


def decoder_of(name: str, strings: Strings, side_information: Sequence[int], coder: ModuleType) -> SliceCoder:
    """The decoder of that name. Raises ValueError for a name there is none of, or the side information of another."""
    check_name(name, DECODERS)
    return DECODERS[name](strings, side_information, coder)


def check_name(name: str, known: Iterable[str]) -> None:
    """Raise ValueError for an unknown coder."""
    if name not in known:
        raise ValueError(f"Unknown entropy coder {name!r}; FAT has {', '.join(known)}.")


def check_side_information(side_information: Sequence[int], count: int) -> None:
    """Raise ValueError where another coder wrote the stream."""
    if len(side_information) != count:
        raise ValueError(
            f"{len(side_information)} numbers of side information where this entropy coder writes {count}: "
            "set entropy_coder to the one that coded the picture."
        )


def in_coding_order(part: Tensor) -> Tensor:
    """[C, h, w] -> [h * w * C]: row, column, channel."""
    return part.permute(1, 2, 0).flatten()
