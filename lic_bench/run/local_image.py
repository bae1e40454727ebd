"""One image that a codec in this process has coded, ready to be coded again for times."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lic_bench.codec import Bitstream
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.pass_digests import Pass
from lic_bench.codecs.program_codec import ProgramCodec
from lic_bench.images.image_file import Image, read_image
from lic_bench.measurement.energy_per_call import joules_per_call
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.machine_monitor import MachineMonitor
from lic_bench.measurement.memory_layout import random_heap_blocks
from lic_bench.measurement.phase_times import measure_phases
from lic_bench.measurement.rounds import Samples
from lic_bench.measurement.stopwatch import timed, warm_up
from lic_bench.measurement.verified_coding import check_memory, code_and_verify
from lic_bench.run.codec_holder import CodecHolder
from lic_bench.run.worker_interface import Saved


@dataclass(slots=True)
class LocalImage:
    """A CodedImage of a worker in this process. x: [1, 3, H, W] in [0, 1] on its device; bits: what it was coded to.

    decoded: the decoder's picture, uint8 [1, 3, H, W], of an image that was verified. passes: of one that is saved.
    """

    worker: CodecHolder
    quality: int
    x: Tensor
    bits: Bitstream
    fields: dict[str, Any] = field(default_factory=dict)
    decoded: Tensor | None = None
    passes: list[Pass] = field(default_factory=list)

    @classmethod
    def verified(cls, worker: CodecHolder, quality: int, image: Image) -> LocalImage:
        """Encode, decode and verify; all fields of the Record but times."""
        check_memory(image.width or 0, image.height or 0)
        pixels = read_image(image)
        pair = worker.pair(quality)
        codec = pair.encoder.codec
        fields: dict[str, Any] = {
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "weights": pair.encoder.weights,
            "kernels": pair.encoder.kernels,
            "encoder_version": getattr(codec, "version", None),
            **({"mode": codec.mode} if isinstance(codec, ProgramCodec) else {}),
        }
        tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous().to(worker.device)
        del pixels  # large images fill the memory
        worker.gave_memory_back = worker.device.type == "cuda" and "memory" in worker.setup.parts  # before each peak
        stored = worker.stored_bits(quality, image)
        measured, bits, decoded = code_and_verify(pair, tensor, worker.device, worker.setup.parts, stored)
        if not all(math.isfinite(value) for value in measured.values() if isinstance(value, float)):
            raise CodecFailure("a measured value is NaN or infinite")
        fields |= measured | {"decoder": "instance"}
        return cls(worker, quality, tensor.float().div_(255), bits, fields, decoded)

    def hand_over(self) -> tuple[Bitstream, str]:
        """What it was coded to, and the hash of the decoder's picture."""
        return self.bits, picture_digest(self.picture())

    def coded_and_decoded(self) -> Saved:
        return self.bits, self.picture(), self.passes

    def picture(self) -> NDArray[np.uint8]:
        """The decoder's picture, [1, 3, H, W]."""
        if self.decoded is None:
            raise ValueError("only an image that was verified has a decoded picture")
        return self.decoded.cpu().numpy()

    def warm_up(self) -> None:
        """Once per quality and image size."""
        worker, size = self.worker, tuple(self.x.shape)
        with worker.measuring():
            self._refill()
            if size not in worker.settled_s:
                settled = [warm_up(call, worker.device, worker.setup.effort) for call in self._calls().values()]
                worker.settled_s[size] = sum(median(samples) for samples in settled)

    def turn(self) -> Samples:
        """As many samples as fit into Effort.visit_s, each with another layout of the heap."""
        effort, both_s = self.worker.setup.effort, self.worker.settled_s.get(tuple(self.x.shape), math.inf)
        count = effort.per_turn if both_s * effort.per_turn <= effort.visit_s else int(effort.visit_s / both_s)
        with self.worker.measuring():
            self._refill()
            return [self._sample(warmed=both_s <= effort.warmed_s) for _ in range(max(1, count))]

    def phases(self) -> dict[str, list[float]]:
        """At most Effort.repeats calls of each operation, and no new one after Effort.budget_s.

        Of a network, and those that a decode-only codec marks. A phase that a call does not enter takes 0 s of it, so
        that all have as many samples as their total.
        """
        pair = self.worker.pair(self.quality)
        samples: dict[str, list[float]] = {}
        for name, call in self._calls().items():
            codec = getattr(pair, f"{name}r").codec
            if isinstance(codec, NetworkCodec) or self.worker.spec.streams:
                calls = list(self._phases_of(call, codec.module if isinstance(codec, NetworkCodec) else nn.Module()))
                phases = dict.fromkeys(phase for seconds in calls for phase in seconds)
                samples |= {f"{name}/{phase}": [seconds.get(phase, 0.0) for seconds in calls] for phase in phases}
        return samples

    def energy(self) -> dict[str, float]:
        """By the device's own counter."""
        device, calls = self.worker.device, self._calls()
        with self.worker.measuring():
            counter = MachineMonitor(device).energy_mj
            joules = {name: joules_per_call(partial(timed, call, device), counter) for name, call in calls.items()}
        return {name: value for name, value in joules.items() if value is not None}

    def _sample(self, *, warmed: bool) -> tuple[float | None, float]:
        """Seconds of one encoding and of one decoding; warmed: after both were done untimed."""
        self.worker.heap = random_heap_blocks(self.worker.random)
        if warmed:
            self._call_untimed()
        seconds = {name: timed(call, self.worker.device)[1] for name, call in self._calls().items()}
        return seconds.get("encode"), seconds["decode"]

    def _refill(self) -> None:
        """Encode and decode untimed where the first call would pay for memory that was given back."""
        if self.worker.gave_memory_back:
            self._call_untimed()
            self.worker.gave_memory_back = False

    def _calls(self) -> dict[str, Callable[[], object]]:
        """What the codec does, in order; a decode-only one the latter."""
        encode = {} if self.worker.spec.streams else {"encode": self._compress}
        return {**encode, "decode": self._decompress}

    def _call_untimed(self) -> None:
        for call in self._calls().values():
            call()

    def _compress(self) -> Bitstream:
        return self.worker.pair(self.quality).compress(self.x)

    def _decompress(self) -> object:
        return self.worker.pair(self.quality).decompress(self.bits)

    def _phases_of(self, call: Callable[[], object], module: nn.Module) -> Iterator[dict[str, float]]:
        spent, worker = 0.0, self.worker
        with worker.measuring():
            for _ in range(worker.setup.effort.repeats):
                yield (seconds := measure_phases(call, module, worker.spec.phases, worker.device))
                spent += seconds["total"]
                if spent >= worker.setup.effort.budget_s:
                    return


def picture_digest(picture: NDArray[np.uint8]) -> str:
    """Of size and values."""
    return f"{picture.shape} {hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()}"
