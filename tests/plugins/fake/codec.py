"""A codec whose rate and distortion are known by hand: it drops the q low bits of every value."""

import torch

from lic_bench.codec import Bitstream
from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="fake",
    label="Fake",
    kind="classical",
    load="fake.codec:load",
    qualities=(2, 4, 6),
    quick_qualities=(4,),
    quality_range=(0, 8),
    quality_name="bits",
    aliases=("pretend",),
    paper="none",
    source="tests",
    licence="MIT",
)


class Fake:
    def __init__(self, bits: int) -> None:
        self.drop = 8 - bits

    def compress(self, x: torch.Tensor) -> Bitstream:
        levels = x.mul(255).round().to(torch.uint8) >> self.drop
        height, width = x.shape[-2:]
        size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        return Bitstream(payload=levels.numpy().tobytes(), header=size)

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        height, width = int.from_bytes(bits.header[:2], "big"), int.from_bytes(bits.header[2:], "big")
        levels = torch.frombuffer(bytearray(bits.payload), dtype=torch.uint8).reshape(1, 3, height, width)
        return (levels.to(torch.int32) << self.drop).float() / 255


def load(quality: int) -> Fake:
    return Fake(quality)
