"""A codec that encodes in BYTES_PER_PIXEL, and has no memory for an image with a side of more than `quality` pixels."""

import torch

from lic_bench.codec import Bitstream
from lic_bench.spec import CodecSpec

BYTES_PER_PIXEL = 1024

SPEC = CodecSpec(
    name="hungry",
    label="Hungry",
    kind="classical",
    load="hungry.codec:Hungry",
    qualities=(64, 200, 300),
    quality_range=(1, 10_000),
    quality_name="pixels",
    paper="none",
    source="tests",
    licence="MIT",
)


class Hungry:
    def __init__(self, quality: int) -> None:
        self.largest = quality

    def compress(self, x: torch.Tensor) -> Bitstream:
        height, width = x.shape[-2:]
        if max(height, width) > self.largest:
            torch.empty(1 << 50)
        torch.ones(height * width, BYTES_PER_PIXEL, dtype=torch.uint8)
        return Bitstream(payload=bytes(8), header=f"{height},{width}".encode())

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        return torch.full((1, 3, *map(int, bits.header.decode().split(","))), 0.5)
