"""Whether the shape that a bitstream declares for a latent is one that a picture of its size has."""

import math
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import torch

USUAL_FACTOR = 64  # how many times smaller than the picture the latent is whose shape most networks write down
_asked: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
MOST_PIXELS = 1 << 28  # of a picture; half as many are the most that can be read


def check_shape(shape: Any, height: int, width: int, module: Any, multiple: int) -> None:
    """Raise ValueError for a shape that asks for more values than a padded picture of height x width has.

    shape: ints, lists and dicts, before the network allocates anything for it. A network with a large latent is asked
    what shape it gives a picture of `multiple` x `multiple` pixels, once.
    """
    values = max(map(math.prod, _lists_of_ints(shape)), default=0)
    pixels = height * width
    if pixels > MOST_PIXELS:
        raise ValueError(f"The bitstream declares a picture of {width}x{height}; allowed are {MOST_PIXELS} pixels.")
    if values * getattr(module, "downsampling_factor", USUAL_FACTOR) ** 2 <= pixels:
        return
    if values * multiple**2 > _values_of_square(module, multiple) * pixels:
        raise ValueError(
            f"The bitstream declares a latent of shape {shape}, too large for a picture of {width}x{height}."
        )


def _values_of_square(module: Any, side: int) -> int:
    """How many values the network's shape of a picture of side x side pixels asks for; it is asked once."""
    if module not in _asked:
        weight = next(module.parameters(), torch.zeros(0))
        coded = module.compress(torch.zeros(1, 3, side, side, dtype=weight.dtype, device=weight.device))
        _asked[module] = max(map(math.prod, _lists_of_ints(coded["shape"])), default=0)
    return _asked[module]


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
