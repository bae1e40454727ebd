"""Writing symbols to a string and reading them from it; the strings are those of `compressai.ans`, byte for byte."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from lic_bench.codecs.rans.library import Handle, library, pointer

FAULTS = {
    1: "an index is that of no table",
    2: "the string ends before its last symbol; it is damaged, or not of this model",
    3: "a symbol has more digits than any that can be written; the string is damaged, or not of this model",
    4: "a symbol is 2^31 or more away from those of its table",
}


class Tables:
    """The cumulative frequencies of all distributions that symbols may have, prepared once for many strings."""

    def __init__(self, cdfs: Tensor, lengths: Tensor, offsets: Tensor) -> None:
        """cdfs: [tables, longest], whole numbers; in each row the first lengths[row] count, from 0 rising to 2^16.

        lengths, offsets: [tables]. offsets: the symbol of the first interval. The last interval of a table stands for
        all symbols outside of the others. Raises ValueError for other tables.
        """
        rows, longest = cdfs.shape
        arrays = [_int32(values) for values in (cdfs, lengths, offsets)]
        if not len(lengths) == len(offsets) == rows:
            raise ValueError(f"{rows} tables, {len(lengths)} lengths and {len(offsets)} offsets: they must be as many.")
        place = library().rans_tables_new(*map(pointer, arrays), ctypes.c_int64(rows), ctypes.c_int64(longest))
        if not place:
            raise ValueError("A table of cumulative frequencies does not rise from 0 to 65536.")
        self.handle = Handle(place, library().rans_tables_delete)


class Encoder:
    """Writes one string. Symbols are collected and coded by `flush`, as the last one has to be coded first."""

    def __init__(self) -> None:
        self._passes: list[tuple[Tensor, Tensor, Tables]] = []

    def put(self, symbols: Tensor, indexes: Tensor, tables: Tables) -> None:
        """Add whole numbers of any shape, and of each the number of its table."""
        if symbols.numel() != indexes.numel():
            raise ValueError(f"{symbols.numel()} symbols and {indexes.numel()} indexes: they must be as many.")
        self._passes.append((_int32(symbols), _int32(indexes), tables))

    def flush(self) -> bytes:
        """The string. Raises ValueError for an index of no table, and for a symbol too far from those of its table."""
        handle = ctypes.c_void_p(library().rans_encoder_new())
        try:
            for symbols, indexes, tables in reversed(self._passes):
                arrays = pointer(symbols), pointer(indexes), ctypes.c_int64(symbols.numel())
                _check(library().rans_put(handle, tables.handle.pointer, *arrays))
            place = ctypes.c_void_p()
            length = library().rans_flush(handle, ctypes.byref(place))
            return ctypes.string_at(place, length)
        finally:
            library().rans_encoder_delete(handle)


class Decoder:
    """Reads one string."""

    def __init__(self, string: bytes) -> None:
        """Raises ValueError for a string that no Encoder writes: not of whole words of 4 bytes, or less than two."""
        place = library().rans_decoder_new(ctypes.c_char_p(string), ctypes.c_int64(len(string)))
        if not place:
            raise ValueError(f"A string of {len(string)} bytes: allowed are multiples of 4 from 8 on; it is damaged.")
        self._handle = Handle(place, library().rans_decoder_delete)

    def get(self, indexes: Tensor, tables: Tables) -> Tensor:
        """The next symbols, int32 of the shape of `indexes`: of each the number of its table.

        Raises ValueError where the string ends, for what cannot have been written, and for an index of no table.
        """
        wanted = _int32(indexes)
        symbols = torch.empty_like(wanted)
        arrays = pointer(wanted), ctypes.c_int64(wanted.numel()), pointer(symbols)
        _check(library().rans_get(self._handle.pointer, tables.handle.pointer, *arrays))
        return symbols.view(indexes.shape)


def _int32(values: Tensor) -> Tensor:
    return values.detach().to("cpu", torch.int32).contiguous()


def _check(status: int) -> None:
    if status:
        raise ValueError(f"Entropy coder: {FAULTS[status]}.")
