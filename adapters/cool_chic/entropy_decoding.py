"""The symbols of a Cool-chic stream, read by compiled code."""

from __future__ import annotations

import ctypes
from functools import cache

import torch
from torch import Tensor

from adapters.cool_chic.stream_header import Grid, Part, Stream, damaged
from native import Kernels

KERNELS = Kernels("adapters.cool_chic", "cool_chic")
DAMAGED, NO_MEMORY = 1, 2  # what the library returns, as csrc/cool_chic.cpp has it
# The scales of network symbols times 128: 2^(index / 4) / 4 with shortened mantissas, rounded to 1/128.
SCALES = (
    *(32, 38, 45, 54, 64, 76, 90, 108, 128, 152, 181, 215, 256, 304, 362, 430, 512, 609, 724, 861, 1024),
    *(1218, 1448, 1722, 2048, 2435, 2896, 3444, 4096, 4871, 5792, 6888, 8192, 9742, 11585, 13777, 16384),
    *(19484, 23170, 27554, 32768),
)


def network_symbols(stream: Stream) -> dict[str, Tensor]:
    """Part -> its parameters in units of their quantisation step, int32 [n]. Raises UserError for damaged bytes."""
    counts = stream.parameters()
    return {name: _symbols(name, part, counts[name], stream.network_range) for name, part in stream.parts.items()}


def latents(stream: Stream, weights: Tensor, biases: Tensor) -> list[Tensor]:
    """The grids, int32 [height, width], the largest first.

    weights, biases: int32, of the context model in multiples of 1/64 and 1/4096. Raises UserError for damaged bytes.
    """
    return [_grid(stream, grid, weights, biases) for grid in stream.grids]


def _symbols(name: str, part: Part, count: int, largest: int) -> Tensor:
    symbols = torch.empty(count, dtype=torch.int32)
    numbers = (len(part.data), largest, SCALES[part.scale], count)
    size, *others = map(ctypes.c_int64, numbers)
    _check(_library().cool_chic_symbols(part.data, size, *others, _pointer(symbols)), name)
    return symbols


def _grid(stream: Stream, grid: Grid, weights: Tensor, biases: Tensor) -> Tensor:
    if not grid.data:
        return torch.zeros(grid.height, grid.width, dtype=torch.int32)
    values = torch.empty(grid.height, grid.width, dtype=torch.int32)
    numbers = (len(grid.data), grid.height, grid.width, stream.latent_range, stream.context, stream.hidden_layers)
    arrays = map(_pointer, (weights.contiguous(), biases.contiguous(), values))
    status = _library().cool_chic_grid(grid.data, *map(ctypes.c_int64, numbers), *arrays)
    _check(status, f"the grid of {grid.width}x{grid.height} latents")
    return values


def _check(status: int, what: str) -> None:
    if status == DAMAGED:
        raise damaged(f"{what} cannot be read")
    if status == NO_MEMORY:
        raise MemoryError(f"no memory for {what}")
    if status:
        raise ValueError(f"The entropy decoder refuses {what}.")


@cache
def _library() -> ctypes.CDLL:
    opened: ctypes.CDLL = KERNELS.library()
    for function in (opened.cool_chic_symbols, opened.cool_chic_grid):
        function.restype = ctypes.c_int64
    return opened


def _pointer(values: Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.data_ptr())
