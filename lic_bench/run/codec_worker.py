"""One codec at work on one device: it codes an image, which is then encoded and decoded again to take the times."""

from __future__ import annotations

import gc
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from statistics import median
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lic_bench.codec import Bitstream
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.network_variants import forget_compiled
from lic_bench.codecs.pixels import to_tensor
from lic_bench.codecs.process_settings import kept_settings
from lic_bench.codecs.program_codec import ProgramCodec
from lic_bench.images.image_file import Image, read_image
from lic_bench.measurement.batched_coding import Alone
from lic_bench.measurement.complexity import count_complexity
from lic_bench.measurement.energy_per_call import joules_per_call
from lic_bench.measurement.failures import CodecFailure, Failure, memory_errors_unified
from lic_bench.measurement.machine_monitor import MachineMonitor
from lic_bench.measurement.memory_layout import random_heap_blocks
from lic_bench.measurement.phase_times import measure_phases
from lic_bench.measurement.rounds import Samples
from lic_bench.measurement.stopwatch import timed, undisturbed, warm_up
from lic_bench.measurement.symbol_check import checked_symbols, entropy_coder_field
from lic_bench.measurement.verified_coding import Pair, check_memory, code_and_verify
from lic_bench.run.base_codec import BaseCodec
from lic_bench.run.local_batches import LocalBatches
from lic_bench.run.worker_interface import CodecSetup
from lic_bench.store.records import COSTS, Complexity


class CodecWorker:
    """A codec at work in this process; one quality in memory at a time."""

    def __init__(self, setup: CodecSetup) -> None:
        self.setup = setup
        self.spec = setup.spec
        self.device = torch.device(setup.device)
        self.settled_s: dict[tuple[int, ...], float] = {}  # image size -> seconds of encoding and decoding, once warm
        self.random = Random(setup.layout_seed or None)
        self.heap: list[bytes] = []  # blocks between which the codec's memory lies
        self.gave_memory_back = False  # torch's cache on the GPU is empty, and the next call has to fill it
        self.alone: dict[Image, Alone] = {}  # of the quality in memory, images that were also coded in batches
        self._pairs: dict[int, Pair | Failure] = {}
        self._base = BaseCodec(setup)

    def code(self, quality: int, image: Image) -> LocalImage:
        """Raises CodecFailure, and whatever a codec raises."""
        with self.contained(), checked_symbols() as coders:
            coded = LocalImage.verified(self, quality, image)
        coded.fields |= entropy_coder_field(coders)
        if self.spec.variants and "quality" in self.setup.parts and coded.decoded is not None:
            with self.contained():
                coded.fields["base_max_abs"] = self._base.largest_difference(quality, coded.x, coded.decoded)
        return coded

    def encode(self, quality: int, image: Image) -> LocalImage:
        with self.contained(), checked_symbols(), torch.no_grad():
            x = to_tensor(read_image(image)).to(self.device)
            return LocalImage(self, quality, x, self.pair(quality).compress(x))

    def payload_bytes(self, quality: int, image: Image) -> int:
        with self.contained(), torch.no_grad():
            codec = load_codec(self.spec, quality, self.setup.files.get(quality), self.device).codec
            if isinstance(codec, ProgramCodec):
                codec.reads_cache, codec.timeout_s = True, self.setup.timeout_s
            return len(codec.compress(to_tensor(read_image(image)).to(self.device)).payload)

    def code_batches(self, quality: int, images: Sequence[Image], batch: int) -> LocalBatches:
        with self.contained(), checked_symbols() as coders, torch.no_grad():
            coded = LocalBatches.verified(self, quality, images, batch)
        coded.fields |= entropy_coder_field(coders)
        return coded

    def decode(self, quality: int, bits: Bitstream) -> NDArray[np.uint8]:
        """The decoder's picture, [1, 3, H, W]."""
        with self.contained(), torch.no_grad():
            return self.pair(quality).decompress(bits)[1].cpu().numpy()

    def decode_to_hash(self, quality: int, bits: Bitstream) -> str:
        """The hash of the decoder's picture."""
        return _hash_of(self.decode(quality, bits))

    def count_operations(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
        with self.contained(), checked_symbols():
            codec = load_codec(self.spec, quality, self.setup.files.get(quality), self.device).codec
            return count_complexity(cast(NetworkCodec, codec).module, self.spec.name, quality, *size)

    def open(self) -> None:
        """Nothing to do."""

    def ready(self) -> None:
        """Nothing to do."""

    def renew(self) -> None:
        """Let the networks go."""
        self._pairs.clear()
        self._base.let_go()

    def release(self) -> None:
        """Empty torch's cache of the GPU's memory."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            self.gave_memory_back = True

    def close(self) -> None:
        """Let the codec go."""
        self._pairs.clear()
        self._base.let_go()
        gc.unfreeze()

    def pair(self, quality: int) -> Pair:
        """The two instances of this quality; those of another are let go. A failure to load is remembered."""
        if quality not in self._pairs:
            gc.unfreeze()
            self._pairs.clear()
            forget_compiled(self.spec)
            self.settled_s.clear()
            self.alone.clear()
            self._pairs[quality] = self._load(quality)
            gc.collect()
            gc.freeze()  # else every collection between two images walks through all that the imports left
        pair = self._pairs[quality]
        if isinstance(pair, Pair):
            return pair
        if pair.kind == "out_of_memory":
            del self._pairs[quality]  # there may be more memory another time
            raise CodecFailure(f"{pair.message} (when loaded)", pair.kind)
        raise CodecFailure(f"cannot load: {pair.message}", pair.kind)

    @contextmanager
    def contained(self) -> Iterator[None]:
        """For all that the codec does: the process stays as it was, an exit is a failure, memory errors are unified."""
        with kept_settings(), memory_errors_unified(self.device):
            try:
                yield
            except SystemExit as error:
                raise CodecFailure(f"the codec wants to end the process: SystemExit: {error}") from None

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """For what is measured: contained, without gradients and garbage collection."""
        with self.contained(), torch.no_grad(), undisturbed():
            yield

    def _load(self, quality: int) -> Pair | Failure:
        file = self.setup.files.get(quality)
        try:
            with memory_errors_unified(self.device):
                count = 1 if self.setup.only_decodes else 2
                instances = [load_codec(self.spec, quality, file, self.device) for _ in range(count)]
        except Exception as error:
            return Failure.of(error)
        for codec in (loaded.codec for loaded in instances):
            if isinstance(codec, ProgramCodec):
                codec.reads_cache = not self.setup.parts & COSTS
                codec.timeout_s = self.setup.timeout_s
        return Pair(encoder=instances[0], decoder=instances[-1])


@dataclass(slots=True)
class LocalImage:
    """A CodedImage of a worker in this process. x: [1, 3, H, W] in [0, 1] on its device; bits: what it was coded to.

    decoded: the decoder's picture, uint8 [1, 3, H, W], of an image that was verified.
    """

    worker: CodecWorker
    quality: int
    x: Tensor
    bits: Bitstream
    fields: dict[str, Any] = field(default_factory=dict)
    decoded: Tensor | None = None

    @classmethod
    def verified(cls, worker: CodecWorker, quality: int, image: Image) -> LocalImage:
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
        measured, bits, decoded = code_and_verify(pair, tensor, worker.device, worker.setup.parts)
        if not all(math.isfinite(value) for value in measured.values() if isinstance(value, float)):
            raise CodecFailure("a measured value is NaN or infinite")
        fields |= measured | {"decoder": "instance"}
        return cls(worker, quality, tensor.float().div_(255), bits, fields, decoded)

    def hand_over(self) -> tuple[Bitstream, str]:
        """What it was coded to, and the hash of the decoder's picture."""
        return self.bits, _hash_of(self.picture())

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
                calls = (self._compress, self._decompress)
                settled = [warm_up(call, worker.device, worker.setup.effort) for call in calls]
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

        A phase that a call does not enter takes 0 s of it, so that all have as many samples as their total.
        """
        pair = self.worker.pair(self.quality)
        samples: dict[str, list[float]] = {}
        for name, call, loaded in (
            ("encode", self._compress, pair.encoder),
            ("decode", self._decompress, pair.decoder),
        ):
            if isinstance(loaded.codec, NetworkCodec):
                calls = list(self._phases_of(call, loaded.codec))
                phases = dict.fromkeys(phase for seconds in calls for phase in seconds)
                samples |= {f"{name}/{phase}": [seconds.get(phase, 0.0) for seconds in calls] for phase in phases}
        return samples

    def energy(self) -> dict[str, float]:
        """By the device's own counter."""
        device, calls = self.worker.device, {"encode": self._compress, "decode": self._decompress}
        with self.worker.measuring():
            counter = MachineMonitor(device).energy_mj
            joules = {name: joules_per_call(partial(timed, call, device), counter) for name, call in calls.items()}
        return {name: value for name, value in joules.items() if value is not None}

    def _sample(self, *, warmed: bool) -> tuple[float, float]:
        """Seconds of one encoding and of one decoding; warmed: after both were done untimed."""
        self.worker.heap = random_heap_blocks(self.worker.random)
        if warmed:
            self._compress()
            self._decompress()
        return timed(self._compress, self.worker.device)[1], timed(self._decompress, self.worker.device)[1]

    def _refill(self) -> None:
        """Encode and decode untimed where the first call would pay for memory that was given back."""
        if self.worker.gave_memory_back:
            self._compress()
            self._decompress()
            self.worker.gave_memory_back = False

    def _compress(self) -> Bitstream:
        return self.worker.pair(self.quality).compress(self.x)

    def _decompress(self) -> object:
        return self.worker.pair(self.quality).decompress(self.bits)

    def _phases_of(self, call: Callable[[], object], codec: NetworkCodec) -> Iterator[dict[str, float]]:
        spent, worker = 0.0, self.worker
        with worker.measuring():
            for _ in range(worker.setup.effort.repeats):
                yield (seconds := measure_phases(call, codec.module, worker.spec.phases, worker.device))
                spent += seconds["total"]
                if spent >= worker.setup.effort.budget_s:
                    return


def _hash_of(picture: NDArray[np.uint8]) -> str:
    """Of size and values."""
    return f"{picture.shape} {hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()}"
