"""The shape of a latent that a bitstream declares: plain numbers, and whether a picture of its size has such a one."""

import math
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import torch

from lic_bench.codecs.header_bytes import Tree

USUAL_FACTOR = 64  # how many times smaller than the picture the latent is whose shape most networks write down
SIDE = 64  # pixels, of the picture about which a network is asked
SLACK = 4  # a shape may ask for so many times the values that were expected
_asked: WeakKeyDictionary[Any, int | None] = WeakKeyDictionary()
MOST_PIXELS = 1 << 28  # of a picture; half as many are the most that can be read


def check_shape(shape: Any, height: int, width: int, module: Any, multiple: int) -> None:
    """Raise ValueError for a shape that asks for more values than a padded picture of height x width has.

    shape: ints, lists and dicts, before the network allocates anything for it. Pairs of ints count, height and width
    of a latent; what else a network writes there may be anything. One with a large latent is asked what shape it gives
    a small picture, once; multiple: of pixels, that it needs.
    """
    values = _most_values(shape)
    pixels = height * width
    if pixels > MOST_PIXELS:
        raise ValueError(f"The bitstream declares a picture of {width}x{height}; allowed are {MOST_PIXELS} pixels.")
    if values * getattr(module, "downsampling_factor", USUAL_FACTOR) ** 2 <= pixels:
        return
    side = max(SIDE, multiple)
    usual = _values_of_square(module, side)
    if usual is not None and values * side**2 > SLACK * usual * pixels:
        raise ValueError(
            f"The bitstream declares a latent of shape {shape}, too large for a picture of {width}x{height}."
        )


def _values_of_square(module: Any, side: int) -> int | None:
    """How many values the network's shape of a picture of side x side pixels asks for; None if it cannot tell."""
    if module not in _asked:
        weight = next(module.parameters(), torch.zeros(0))
        try:
            coded = module.compress(torch.zeros(1, 3, side, side, dtype=weight.dtype, device=weight.device))
            _asked[module] = _most_values(plain_shape(coded["shape"]))
        except Exception:  # other people's code; that it cannot code such a picture is no fault of the bitstream
            _asked[module] = None
    return _asked[module]


def _most_values(shape: Any) -> int:
    return max((math.prod(sides) for sides in _lists_of_ints(shape) if len(sides) == 2), default=0)


def _lists_of_ints(shape: Any) -> Iterator[list[int]]:
    """Every list of whole numbers in a shape; a number by itself is a list of one."""
    if isinstance(shape, dict):
        shape = list(shape.values())
    if isinstance(shape, int):
        shape = [shape]
    if all(isinstance(item, int) for item in shape):
        yield list(shape)
        return
    for item in shape:
        yield from _lists_of_ints(item)


def plain_shape(shape: Any) -> Tree:
    """A shape (torch.Size, tuple, list, tensor, array, dict of them) as ints, lists and dicts."""
    if isinstance(shape, dict):
        return {str(key): plain_shape(value) for key, value in shape.items()}
    if hasattr(shape, "tolist"):  # NumPy's numbers and arrays, tensors
        return plain_shape(shape.tolist())
    if isinstance(shape, int):
        return int(shape)
    if not isinstance(shape, list | tuple):
        raise TypeError(
            f"shape holds a value of type {type(shape).__name__}; allowed are whole numbers in lists and dicts"
        )
    return [plain_shape(item) for item in shape]
