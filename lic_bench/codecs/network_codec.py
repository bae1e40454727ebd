"""A torch module with CompressAI's calling convention as a Codec: padding, bytes and cropping around it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from lic_bench.codec import Bitstream
from lic_bench.codecs.padding import crop, pad
from lic_bench.codecs.transform_cache import TransformCache
from lic_bench.spec import Padding

Tree: TypeAlias = "int | bytes | list[Tree] | dict[str, Tree]"
_INT, _BYTES, _LIST, _DICT = range(4)


class NetworkCodec:
    """One learned codec on one device.

    module: eval mode, updated entropy tables; compress(x) -> {"strings", "shape"},
        decompress(strings, shape) -> {"x_hat"}, forward(x) -> {"x_hat", "likelihoods"}.
    kernels: name of the implementations by which the network computes; "" where there is no choice.
    The header holds the image size, the shape, the lengths of the strings and the kernels; the payload the strings,
    joined.
    """

    def __init__(self, module: nn.Module, padding: Padding, kernels: str = "") -> None:
        self.module: Any = module  # nn.Module says nothing of compress and decompress
        self.padding = padding
        self.kernels = kernels

    @torch.no_grad()
    def compress(self, x: Tensor) -> Bitstream:
        """Code x, [1, 3, H, W] in [0, 1]."""
        out = self.module.compress(pad(x, self.padding))
        strings: list[bytes] = []
        lengths = _lengths(out["strings"], strings)
        header = bytearray()
        kernels: list[Tree] = [self.kernels.encode()] if self.kernels else []
        _write_tree(header, [x.shape[-2], x.shape[-1], _plain(out["shape"]), lengths, *kernels])
        return Bitstream(payload=b"".join(strings), header=bytes(header))

    @torch.no_grad()
    def decompress(self, bits: Bitstream) -> Tensor:
        """Decode x_hat, [1, 3, H, W] in [0, 1], on the module's device.

        Raises ValueError if other kernels coded it: their roundings differ, and the entropy decoder would lose step.
        """
        (height, width, shape, lengths, *coded_by), _ = _read_tree(bits.header, 0)
        kernels = coded_by[0].decode() if coded_by else ""
        if kernels != self.kernels:
            raise ValueError(
                f"Coded with kernels {kernels or 'without a name'!r}; this decoder has {self.kernels or 'none'!r} and "
                "would lose step: decode where the same kernels run."
            )
        x_hat = self.module.decompress(_cut(lengths, iter(_split(bits.payload, lengths))), shape)["x_hat"]
        return crop(x_hat, height, width, self.padding).clamp(0, 1)

    @torch.no_grad()
    def estimate(self, x: Tensor, known: TransformCache | None = None) -> tuple[Tensor, float]:
        """The encoder-side reconstruction [1, 3, H, W] in [0, 1], and the rate by the likelihoods in bpp.

        known: calls of transforms, kept while x was coded and decoded, that need not be computed again.
        """
        height, width = x.shape[-2:]
        with known.give(self.module) if known else nullcontext():
            out = self.module(pad(x, self.padding))
        nats = sum(-likelihoods.double().log().sum().item() for likelihoods in out["likelihoods"].values())
        x_hat = crop(out["x_hat"], height, width, self.padding).clamp(0, 1)
        return x_hat, nats / math.log(2) / (height * width)


def _lengths(strings: Any, found: list[bytes]) -> Tree:
    """The nesting of `strings` with each string replaced by its length; the strings go to `found` in order."""
    if isinstance(strings, bytes):
        found.append(strings)
        return len(strings)
    return [_lengths(item, found) for item in strings]


def _split(payload: bytes, lengths: Tree) -> Iterable[bytes]:
    start = 0
    for length in _flat(lengths):
        yield payload[start : start + length]
        start += length


def _flat(lengths: Any) -> Iterable[int]:
    if isinstance(lengths, int):
        yield lengths
    else:
        for item in lengths:
            yield from _flat(item)


def _cut(lengths: Any, strings: Any) -> Any:
    return next(strings) if isinstance(lengths, int) else [_cut(item, strings) for item in lengths]


def _plain(shape: Any) -> Tree:
    """A shape (torch.Size, tuple, list, dict of them) as ints, lists and dicts."""
    if isinstance(shape, dict):
        return {str(key): _plain(value) for key, value in shape.items()}
    return int(shape) if isinstance(shape, int) else [_plain(item) for item in shape]


def _write_varint(out: bytearray, value: int) -> None:
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _write_tree(out: bytearray, tree: Tree) -> None:
    """Kind and size in one varint, then the content."""
    if isinstance(tree, int):
        _write_varint(out, tree << 2 | _INT)
    elif isinstance(tree, bytes):
        _write_varint(out, len(tree) << 2 | _BYTES)
        out += tree
    elif isinstance(tree, list):
        _write_varint(out, len(tree) << 2 | _LIST)
        for item in tree:
            _write_tree(out, item)
    else:
        _write_varint(out, len(tree) << 2 | _DICT)
        for key, item in tree.items():
            _write_tree(out, key.encode())
            _write_tree(out, item)


def _read_tree(data: bytes, at: int) -> tuple[Any, int]:
    number, at = _read_varint(data, at)
    value, kind = number >> 2, number & 3
    if kind == _INT:
        return value, at
    if kind == _BYTES:
        return data[at : at + value], at + value
    items = []
    for _ in range(value if kind == _LIST else 2 * value):
        item, at = _read_tree(data, at)
        items.append(item)
    if kind == _LIST:
        return items, at
    return {key.decode(): item for key, item in zip(items[::2], items[1::2], strict=True)}, at
