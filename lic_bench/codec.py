"""The interface of a codec: two methods, and the bytes between them; of one that only decodes, the second."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Bitstream:
    """A coded image: bytes and nothing else.

    payload: the entropy-coded bytes, what papers count as the rate.
    header: everything else that a decoder needs (sizes, shapes, string lengths); b"" if the payload is a complete file.
    """

    payload: bytes
    header: bytes = b""


class Codec(Protocol):
    """A codec at one quality, loaded on one device."""

    def compress(self, x: Tensor) -> Bitstream:
        """Code x, [1, 3, H, W] float32 in [0, 1] with any H, W >= 1, which stays as it is."""

    def decompress(self, bits: Bitstream) -> Tensor:
        """Decode x_hat with the shape, range and device of x, from `bits` alone."""


@dataclass(frozen=True, slots=True)
class DecodingCost:
    """What decoding one bitstream takes: multiply-accumulates by part of the network, parameters, pixels."""

    macs: Mapping[str, int]
    parameters: int
    pixels: int


class DecodeOnlyCodec(Protocol):
    """A codec that only decodes, on the CPU. Phases of its time are those that it marks, see lic_bench.phase_marks."""

    def decompress(self, bits: Bitstream) -> Tensor:
        """Decode x_hat, [1, 3, H, W] float32 in [0, 1]. bits: a whole file, its header empty. UserError if damaged."""

    def cost(self, bits: Bitstream) -> DecodingCost:
        """What decoding these bits takes, without doing it."""
