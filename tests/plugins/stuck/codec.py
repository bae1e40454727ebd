"""A network's kind of end: with $STUCK it encodes for ever in C, deaf to all signals that can be ignored."""

import os
from collections import deque
from itertools import repeat
from pathlib import Path

import torch

from lic_bench.codec import Bitstream
from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="stuck", label="Stuck", kind="classical", load="stuck.codec:Stuck", qualities=(1, 2), devices=("cpu",)
)


class Stuck:
    def __init__(self, quality: int) -> None:
        self.quality = quality

    def compress(self, x: torch.Tensor) -> Bitstream:
        if "STUCK" in os.environ:
            Path(os.environ["STUCK"]).write_text("here")
            deque(repeat(0), maxlen=0)
        return Bitstream(payload=bytes(self.quality), header=repr(tuple(x.shape)).encode())

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        return torch.full(list(map(int, bits.header.decode().strip("()").split(","))), 0.5)
