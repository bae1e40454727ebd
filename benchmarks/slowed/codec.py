"""Codecs that encode slower on demand, for benchmarks/compare_proof.py: SLOWED=1.05 adds 5 % to each encoding.

Needs --plugin ci/tiny too.
"""

from __future__ import annotations

import os
from time import perf_counter

import torch
from tiny.codec import SPECS as TINY

from lic_bench.codec import Bitstream, Codec
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.registry import resolve_codec
from lic_bench.spec import CodecSpec


class Slowed:
    """The codec, whose encoding then goes on doing nothing for a part of the time that it took."""

    def __init__(self, codec: Codec, factor: float) -> None:
        self.codec = codec
        self.factor = factor

    def compress(self, x: torch.Tensor) -> Bitstream:
        start = perf_counter()
        bits = self.codec.compress(x)
        end = start + self.factor * (perf_counter() - start)
        while perf_counter() < end:
            pass
        return bits

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        return self.codec.decompress(bits)


def load(quality: int, of: str) -> Slowed:
    """of: the codec's name. The codec's own process knows no plugins by name."""
    spec = next((spec for spec in TINY if spec.name == of), None) or resolve_codec(of)
    factor = float(os.environ.get("SLOWED", "1"))
    return Slowed(load_codec(spec, quality, None, torch.device("cpu")).codec, factor)


def slowed(of: str, quality: int) -> CodecSpec:
    """That codec under another name."""
    return CodecSpec(
        name=f"slowed-{of}",
        label=f"{of}, slowed",
        kind="classical",
        load="slowed.codec:load",
        qualities=(quality,),
        quality_name="as of the codec",
        settings={"of": of},
        paper="none",
        source="benchmarks/compare_proof.py",
        licence="MIT",
    )


SPECS = (slowed("jpeg2000", 60), slowed("lalic-tiny", 1))
