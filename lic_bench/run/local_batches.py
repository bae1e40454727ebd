"""Images of one size in batches through a codec in this process, coded again and again to take the times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lic_bench.codec import Bitstream
from lic_bench.images.image_file import Image, read_image
from lic_bench.measurement.batched_coding import code_alone, code_in_batches
from lic_bench.measurement.memory_layout import random_heap_blocks
from lic_bench.measurement.rounds import Samples
from lic_bench.measurement.stopwatch import timed, warm_up
from lic_bench.measurement.verified_coding import check_memory
from lic_bench.run.codec_holder import CodecHolder


@dataclass(slots=True)
class LocalBatches:
    """A Coded of a worker in this process. batches: [B, 3, H, W] in [0, 1] on its device; bits: what each was coded to.

    A sample is one pass over all batches.
    """

    worker: CodecHolder
    quality: int
    batches: Sequence[Tensor]
    bits: Sequence[Bitstream]
    fields: dict[str, Any]

    @classmethod
    def verified(cls, worker: CodecHolder, quality: int, images: Sequence[Image], batch: int) -> LocalBatches:
        """Code the images, each alone unless that was done before, then in batches; compare the two."""
        check_memory(images[0].width or 0, (images[0].height or 0) * len(images))
        pair = worker.pair(quality)
        pictures = {image: torch.from_numpy(read_image(image)).permute(2, 0, 1)[None] for image in images}
        for image in pictures.keys() - worker.alone.keys():
            worker.alone[image] = code_alone(pair, pictures[image].contiguous().to(worker.device))
        stacked = torch.cat([pictures[image] for image in images]).to(worker.device)
        batches, bits, changed = code_in_batches(pair, stacked, batch, [worker.alone[image] for image in images])
        fields = {
            "weights": pair.encoder.weights,
            "kernels": pair.encoder.kernels,
            "changed": sorted({images[index].name for index in changed}),
        }
        return cls(worker, quality, batches, bits, fields)

    def warm_up(self) -> None:
        """Pass over all batches until the time has settled."""
        with self.worker.measuring():
            for call in (self._compress, self._decompress):
                warm_up(call, self.worker.device, self.worker.setup.effort)

    def turn(self) -> Samples:
        """One sample, with another layout of the heap."""
        with self.worker.measuring():
            self.worker.heap = random_heap_blocks(self.worker.random)
            return [(timed(self._compress, self.worker.device)[1], timed(self._decompress, self.worker.device)[1])]

    def _compress(self) -> None:
        pair = self.worker.pair(self.quality)
        for x in self.batches:
            pair.compress(x)

    def _decompress(self) -> None:
        pair = self.worker.pair(self.quality)
        for bits in self.bits:
            pair.decompress(bits)
