"""A codec of known times: encoding sleeps `quality` milliseconds, decoding twice as long. Above 100 it misbehaves."""

import os
import signal
import time
from collections import deque
from itertools import repeat
from pathlib import Path

import torch

from lic_bench.codec import Bitstream
from lic_bench.spec import CodecSpec

HANGS, CRASHES, GREEDY, LATER, BLIND = 101, 102, 103, 104, 105  # the last one has no decoder where it did not encode

SPEC = CodecSpec(
    name="sleeper",
    label="Sleeper",
    kind="classical",
    load="sleeper.codec:load",
    qualities=(10, 20),
    quality_range=(1, 105),
    quality_name="milliseconds",
    paper="none",
    source="tests",
    licence="MIT",
)


class Sleeper:
    encoded = False  # in this process

    def __init__(self, quality: int) -> None:
        self.quality = quality
        self.calls = 0

    def compress(self, x: torch.Tensor) -> Bitstream:
        self.calls += 1
        Sleeper.encoded = True
        if self.quality == HANGS:
            deque(repeat(0), maxlen=0)  # in C, so that no signal is heard
        if self.quality == CRASHES or (self.quality == LATER and self.calls > 3):
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.quality == GREEDY:
            torch.empty(1 << 50)
        if self.quality < HANGS:
            time.sleep(self.quality / 1e3)
        return Bitstream(payload=bytes(8), header=repr(tuple(x.shape)).encode())

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        if self.quality == BLIND and not Sleeper.encoded:
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.quality < HANGS:
            time.sleep(2 * self.quality / 1e3)
        return torch.full(list(map(int, bits.header.decode().strip("()").split(","))), 0.5)


def load(quality: int) -> Sleeper:
    if "SLEEPER_NOTES" in os.environ:  # where to write which processes it worked in
        with (Path(os.environ["SLEEPER_NOTES"])).open("a") as notes:
            notes.write(f"{os.getpid()}\n")
    return Sleeper(quality)
