"""CompressAI's own rANS coder with the interface of lic_bench.codecs.rans: tensors become Python lists on the way."""

from __future__ import annotations

import torch
from compressai import ans
from torch import Tensor

from lic_bench.phase_marks import COPIES, mark


class Tables:
    """Cumulative frequencies in the form that the coder takes. Arguments: see lic_bench.codecs.rans.Tables."""

    def __init__(self, cdfs: Tensor, lengths: Tensor, offsets: Tensor) -> None:
        counts: list[int] = lengths.tolist()
        # Each row is cut to its length: the coder copies the tables at every call, and seven eighths are padding.
        rows = [row[:count] for row, count in zip(cdfs.tolist(), counts, strict=True)]
        self.lists = rows, counts, offsets.tolist()


class Encoder:
    """Writes one string."""

    def __init__(self) -> None:
        self._encoder = ans.BufferedRansEncoder()

    def put(self, symbols: Tensor, indexes: Tensor, tables: Tables) -> None:
        """Add whole numbers of any shape, and of each the number of its table."""
        self._encoder.encode_with_indexes(_list(symbols), _list(indexes), *tables.lists)

    def flush(self) -> bytes:
        """The string."""
        string: bytes = self._encoder.flush()
        return string


class Decoder:
    """Reads one string."""

    def __init__(self, string: bytes) -> None:
        self._decoder = ans.RansDecoder()
        self._decoder.set_stream(string)

    def get(self, indexes: Tensor, tables: Tables) -> Tensor:
        """The next symbols, int32 of the shape of `indexes`: of each the number of its table."""
        symbols = self._decoder.decode_stream(_list(indexes), *tables.lists)
        with mark(COPIES):
            return torch.tensor(symbols, dtype=torch.int32).view(indexes.shape)


def _list(values: Tensor) -> list[int]:
    with mark(COPIES):
        return values.int().flatten().tolist()
