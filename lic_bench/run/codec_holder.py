"""What images and batches that were coded need of the CodecWorker that coded them, to be coded again."""

from __future__ import annotations

from contextlib import AbstractContextManager
from random import Random
from typing import Protocol

import torch

from lic_bench.codec import Bitstream
from lic_bench.images.image_file import Image
from lic_bench.measurement.batched_coding import Alone
from lic_bench.measurement.verified_coding import Pair
from lic_bench.run.worker_interface import CodecSetup
from lic_bench.spec import CodecSpec


class CodecHolder(Protocol):
    """Its attributes are as in CodecWorker."""

    setup: CodecSetup
    spec: CodecSpec
    device: torch.device
    settled_s: dict[tuple[int, ...], float]
    random: Random
    heap: list[bytes]
    gave_memory_back: bool
    alone: dict[Image, Alone]

    def pair(self, quality: int) -> Pair:
        """The two instances of this quality."""

    def stored_bits(self, quality: int, image: Image) -> Bitstream | None:
        """What a picture was encoded to by others; None of a codec that encodes."""

    def measuring(self) -> AbstractContextManager[None]:
        """For what is measured."""
