"""A torch module in CompressAI's calling convention as a Codec: pads, packs the strings into bytes, crops."""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from io import BytesIO
from typing import Any

import torch
from torch import Tensor, nn

from lic_bench.codec import Bitstream
from lic_bench.codecs.declared_shape import check_shape, plain_shape
from lic_bench.codecs.header_bytes import Tree, read_tree, write_tree
from lic_bench.codecs.padding import crop, pad, padded_size
from lic_bench.codecs.transform_cache import TransformCache
from lic_bench.spec import Padding

_written: deque[bytes] = deque(maxlen=64)  # headers that this process wrote, which need no check


class NetworkCodec:
    """One learned codec on one device. Images of one size may come as a batch: B of them where 1 is written below.

    module: eval mode, updated entropy tables; compress(x) -> {"strings", "shape"},
        decompress(strings, shape) -> {"x_hat"}, forward(x) -> {"x_hat", "likelihoods"}.
    kernels: the name of the implementations that the network computes with; "" if there is no choice.
    The header holds the image size, the shape, the lengths of the strings and the kernels; the payload, the strings.
    """

    def __init__(self, module: nn.Module, padding: Padding, kernels: str = "") -> None:
        self.module: Any = module  # nn.Module says nothing of compress and decompress
        self.padding = padding
        self.kernels = kernels

    @torch.no_grad()
    def compress(self, x: Tensor) -> Bitstream:
        """Encode x, [1, 3, H, W] in [0, 1]."""
        out = self.module.compress(pad(x, self.padding))
        strings: list[bytes] = []
        lengths = _collect_lengths(out["strings"], strings)
        header = bytearray()
        kernels: list[Tree] = [self.kernels.encode()] if self.kernels else []
        write_tree(header, [x.shape[-2], x.shape[-1], plain_shape(out["shape"]), lengths, *kernels])
        _written.append(bytes(header))
        return Bitstream(payload=b"".join(strings), header=bytes(header))

    @torch.no_grad()
    def decompress(self, bits: Bitstream) -> Tensor:
        """Decode x_hat, [1, 3, H, W] in [0, 1], on the module's device.

        Raises ValueError if other kernels encoded it: they round differently, and the entropy decoder would lose step;
        and for a declared shape that no picture of the declared size has.
        """
        (height, width, shape, lengths, *coded_by), _ = read_tree(bits.header, 0)
        kernels = coded_by[0].decode() if coded_by else ""
        if kernels != self.kernels:
            raise ValueError(
                f"Coded with kernels {kernels or 'without a name'!r}; this decoder has {self.kernels or 'none'!r} and "
                "would lose step: decode where the same kernels run."
            )
        if bits.header not in _written:
            check_shape(shape, *padded_size(height, width, self.padding), self.module, self.padding.multiple)
        out = self.module.decompress(_read_strings(BytesIO(bits.payload), lengths), shape)
        return crop(_floating(out["x_hat"]), height, width, self.padding).clamp(0, 1)

    @torch.no_grad()
    def estimate(self, x: Tensor, transforms: TransformCache | None = None) -> tuple[Tensor, float]:
        """The encoder-side reconstruction [1, 3, H, W] before it is clamped to [0, 1], and the estimated rate in bpp.

        transforms: outputs kept while x was coded and decoded, which need not be computed again.
        """
        height, width = x.shape[-2:]
        with transforms.reuse_outputs(self.module) if transforms else nullcontext():
            out = self.module(pad(x, self.padding))
        nats = sum(-likelihoods.double().log().sum().item() for likelihoods in out["likelihoods"].values())
        x_hat = crop(_floating(out["x_hat"]), height, width, self.padding)
        return x_hat, nats / math.log(2) / (height * width)


def strings_by_image(bits: Bitstream, batch: int) -> list[list[bytes]]:
    """The strings of each image of a batch that a NetworkCodec coded. Raises ValueError where images share a string."""
    (_, _, _, lengths, *_), _ = read_tree(bits.header, 0)
    lists = list(_innermost_lists(_read_strings(BytesIO(bits.payload), lengths)))
    if batch == 1:
        return [[string for strings in lists for string in strings]]
    for strings in lists:
        if len(strings) != batch:
            raise ValueError(f"its strings are not kept apart by image: {len(strings)} for a batch of {batch}")
    return [list(of_image) for of_image in zip(*lists, strict=True)]


def _innermost_lists(strings: Any) -> Iterator[list[bytes]]:
    """The lists of strings in their nesting; a string outside of a list is a list of one."""
    if isinstance(strings, bytes):
        yield [strings]
    elif isinstance(strings, list) and all(isinstance(item, bytes) for item in strings):
        yield from [strings] if strings else ()
    else:
        for item in strings.values() if isinstance(strings, dict) else strings:
            yield from _innermost_lists(item)


def _collect_lengths(strings: Any, collected: list[bytes]) -> Tree:
    """The nesting of `strings` with lengths in their places; the strings are appended to `collected` in order."""
    if isinstance(strings, bytes):
        collected.append(strings)
        return len(strings)
    if isinstance(strings, dict):
        return {str(key): _collect_lengths(item, collected) for key, item in strings.items()}
    if not isinstance(strings, list | tuple):
        raise TypeError(f"strings hold a value of type {type(strings).__name__}; allowed are bytes in lists and dicts")
    return [_collect_lengths(item, collected) for item in strings]


def _read_strings(payload: BytesIO, lengths: Any) -> Any:
    """The inverse: strings of these lengths in their nesting, one after the other."""
    if isinstance(lengths, int):
        return payload.read(lengths)
    if isinstance(lengths, dict):
        return {key: _read_strings(payload, item) for key, item in lengths.items()}
    return [_read_strings(payload, item) for item in lengths]


def _floating(x_hat: Tensor) -> Tensor:
    if not x_hat.is_floating_point():
        raise TypeError(f"x_hat is of type {x_hat.dtype}; allowed is floating point, in [0, 1]")
    return x_hat
