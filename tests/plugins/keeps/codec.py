"""A codec that sends nothing: what it codes it keeps in its module, where an instance in the same process finds it."""

import torch

from lic_bench.codec import Bitstream
from lic_bench.spec import CodecSpec

FAILS, GREY = 1, 2  # what a decoder does that finds nothing

SPEC = CodecSpec(
    name="keeps", label="Keeps", kind="classical", load="keeps.codec:Keeps", qualities=(FAILS, GREY), devices=("cpu",)
)
kept: dict[str, torch.Tensor] = {}


class Keeps:
    def __init__(self, quality: int) -> None:
        self.quality = quality

    def compress(self, x: torch.Tensor) -> Bitstream:
        kept["image"] = x.clone()
        return Bitstream(payload=b"x", header=repr(tuple(x.shape)).encode())

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        if self.quality == GREY and not kept:
            return torch.full(list(map(int, bits.header.decode().strip("()").split(","))), 0.5)
        return kept["image"]
