"""The authors' coder of y: 32-bit range coding with carries, and a table of frequencies for every single value."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from adapters.fat.gaussian import SCALE_BOUND, probability

TOTAL = 65536
MOST = 511  # of abs(q): the authors' decoder takes 1024 symbols at most
WORD = 2**32
LEAST_RANGE = 2**24


def largest(q: Tensor) -> int:
    """The largest magnitude in q, at least 1. Raises ValueError beyond what the format holds."""
    value = max(1, int(q.abs().max()))
    if value > MOST:
        raise ValueError(f"y holds the value {value}; the range-coder format ends at {MOST}: use entropy coder 'rans'.")
    return value


def value_tables(scales: Tensor, means: Tensor, bound: int) -> list[list[int]]:
    """Cumulative frequencies of -bound..bound for each Gaussian, [N] each -> N lists of 2 * bound + 2 integers.

    In the precision given: encoder and decoder must get the same bits.
    """
    symbols = torch.arange(2 * bound + 1, device=means.device, dtype=means.dtype)
    scales = scales.clamp_min(torch.tensor(SCALE_BOUND, dtype=torch.float32).item())
    shares = probability(symbols, scales[:, None], (means + bound)[:, None]).clamp(1 / TOTAL, 1)
    frequencies = torch.round(shares / shares.sum(1, keepdim=True) * TOTAL).long()
    return torch.nn.functional.pad(frequencies.cumsum(1), (1, 0)).tolist()


class RangeEncoder:
    """Writes symbols first in, first out."""

    def __init__(self) -> None:
        self._low, self._range = 0, WORD - 1
        self._written = bytearray()

    def encode(self, symbols: Iterable[int], tables: Iterable[Sequence[int]]) -> None:
        """Append symbols, each with its table of cumulative frequencies."""
        for symbol, table in zip(symbols, tables, strict=True):
            self._narrow(table[symbol], table[symbol + 1], table[-1])

    def close(self) -> bytes:
        """The string: it ends where any bytes after it would decode to the same symbols."""
        while True:
            top, end = self._low >> 24, (self._low + self._range) % WORD >> 24
            self._shift()
            if top != end:
                return bytes(self._written)
            self._range = self._range * 256 % WORD

    def _narrow(self, start: int, end: int, total: int) -> None:
        share = self._range // total
        self._low += share * start
        self._range = share * (end - start) if end < total else self._range - share * start
        if self._low >= WORD:
            self._low -= WORD
            self._carry()
        while self._range < LEAST_RANGE:
            self._shift()
            self._range *= 256

    def _shift(self) -> None:
        self._written.append(self._low >> 24)
        self._low = self._low * 256 % WORD

    def _carry(self) -> None:
        place = len(self._written) - 1
        while self._written[place] == 255:
            self._written[place] = 0
            place -= 1
        self._written[place] += 1


class RangeDecoder:
    """Reads what a RangeEncoder wrote."""

    def __init__(self, string: bytes) -> None:
        self._bytes = itertools.chain(string, itertools.repeat(255))
        self._range = WORD - 1
        self._ahead = 0  # of what is read, the distance to the encoder's low
        for _ in range(4):
            self._read()

    def decode(self, tables: Iterable[Sequence[int]]) -> list[int]:
        """The next symbols, one per table of cumulative frequencies."""
        return [self._next(table) for table in tables]

    def _next(self, table: Sequence[int]) -> int:
        share = self._range // table[-1]
        place = min(self._ahead // share, table[-1] - 1)
        symbol = bisect_right(table, place) - 1
        start, end = table[symbol], table[symbol + 1]
        self._ahead -= share * start
        self._range = share * (end - start) if end < table[-1] else self._range - share * start
        while self._range < LEAST_RANGE:
            self._read()
            self._range *= 256
        return symbol

    def _read(self) -> None:
        self._ahead = self._ahead * 256 + next(self._bytes)
