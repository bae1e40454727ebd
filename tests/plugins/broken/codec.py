"""A codec that breaks its contract in a way of its own at every quality."""

import os
import signal

import torch

from lic_bench.codec import Bitstream
from lic_bench.spec import CodecSpec

WAYS = {1: "raises", 2: "nan", 3: "size", 4: "sync", 5: "load", 6: "killed"}

SPEC = CodecSpec(
    name="broken",
    label="Broken",
    kind="classical",
    load="broken.codec:load",
    qualities=(1, 2, 3, 4, 5),
    quality_range=(1, 6),
    paper="none",
    source="tests",
    licence="MIT",
)


class Broken:
    instances = 0

    def __init__(self, way: str) -> None:
        self.way = way
        Broken.instances += 1
        self.number = Broken.instances

    def compress(self, x: torch.Tensor) -> Bitstream:
        if self.way == "raises":
            raise RuntimeError("the network exploded\nand a second line")
        if self.way == "killed" and os.environ.get("BROKEN_KILLS"):
            os.kill(os.getpid(), signal.SIGKILL)
        return Bitstream(payload=b"x", header=repr(tuple(x.shape)).encode())

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        shape = list(map(int, bits.header.decode().strip("()").split(",")))
        if self.way == "size":
            shape[-1] += 1
        fill = {"nan": float("nan"), "sync": self.number % 2}.get(self.way, 0.5)
        return torch.full(shape, fill)


def load(quality: int) -> Broken:
    if WAYS[quality] == "load":
        raise OSError("weights are on strike")
    return Broken(WAYS[quality])
