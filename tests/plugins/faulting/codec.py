"""A codec on a GPU that is played: at quality 2 and 3 it fails as a kernel does, at 3 the GPU's context is then lost.

At quality 4 the context is lost once the image is coded, as where nobody waited for the kernel that did it.
"""

import torch

from lic_bench.codec import Bitstream
from lic_bench.spec import CodecSpec

PASSES, LOST, LATER = 2, 3, 4
WORDS = "CUDA error: an illegal memory access was encountered"

SPEC = CodecSpec(
    name="faulting",
    label="Faulting",
    kind="classical",
    load="faulting.codec:Faulting",
    qualities=(1, 2, 3, 4),
    paper="none",
    source="tests",
    licence="MIT",
)


class Faulting:
    lost = False

    def __init__(self, quality: int) -> None:
        self.quality = quality
        torch.cuda.is_initialized = lambda: True
        torch.cuda.synchronize = self.synchronize

    def synchronize(self, device: torch.device | None = None) -> None:
        if Faulting.lost:
            raise RuntimeError(WORDS)

    def compress(self, x: torch.Tensor) -> Bitstream:
        Faulting.lost |= self.quality in (LOST, LATER)
        if self.quality in (PASSES, LOST):
            raise RuntimeError(WORDS)
        return Bitstream(payload=bytes(8), header=repr(tuple(x.shape)).encode())

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        return torch.full(list(map(int, bits.header.decode().strip("()").split(","))), 0.5)
