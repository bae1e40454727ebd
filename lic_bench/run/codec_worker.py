"""One codec on one device: what a run asks of it, image by image. Lives in the run's process or in one of its own."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lic_bench.codec import Bitstream
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.network_codec import ModelCodec
from lic_bench.codecs.program_codec import ExternalCodec
from lic_bench.defaults import TIMEOUT_S
from lic_bench.images.datasets import Image, read_image
from lic_bench.measurement.conditions import Watch
from lic_bench.measurement.energy import joules_per_call
from lic_bench.measurement.failures import OUT_OF_MEMORY, CodecFailure, describe, exhaustion_told
from lic_bench.measurement.memory_layout import redrawn
from lic_bench.measurement.operations import count
from lic_bench.measurement.phase_times import phase_times
from lic_bench.measurement.stopwatch import Effort, timed, undisturbed, warm_up
from lic_bench.measurement.verified_coding import Pair, measure
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Complexity

COSTS = frozenset(("latency", "memory"))  # for which a codec really has to work, alone
Samples = list[tuple[float, float]]
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that a Bench is made from; travels to another process. files: quality -> weights file.

    threads: of the networks on the CPU; None: torch's choice. cores: to which its process keeps; None: to none.
    timeout_s: of one program, and of one answer of a process. draw: what its memory's layout is drawn from, see
    measurement.layout; of processes with the same draw alike. "": by the system.
    """

    spec: CodecSpec
    device: str
    files: Mapping[int, Path] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    effort: Effort = field(default_factory=Effort)
    threads: int | None = None
    cores: frozenset[int] | None = None
    timeout_s: float = TIMEOUT_S
    draw: str = ""


class Work(Protocol):
    """What a run asks of one codec. Whatever fails raises; `Bench` does it here, `isolation.Remote` elsewhere."""

    def code(self, quality: int, image: Image) -> dict[str, Any]:
        """Encode, decode, verify an image: the fields of its Record, but for times. The next calls refer to it."""
        ...

    def again(self, quality: int, image: Image) -> None:
        """Encode an image that was coded before, after `renew`: nothing is verified. The next calls refer to it."""
        ...

    def warm_up(self) -> None:
        """Run until the time of encoding and decoding has settled."""
        ...

    def turn(self) -> Samples:
        """Seconds of encoding and decoding, some of each: its turn in a round."""
        ...

    def phases(self) -> dict[str, list[float]]:
        """ "encode/g_a" and the like -> seconds; {} for a codec whose parts are not known."""
        ...

    def energy(self) -> dict[str, float]:
        """ "encode", "decode" -> joules per image; {} where the device does not tell."""
        ...

    def open(self) -> None:
        """Get ready; may go on after this returns."""
        ...

    def ready(self) -> None:
        """Return when all is imported and set up."""
        ...

    def renew(self) -> None:
        """Start anew, as a process that has coded nothing; may go on after this returns."""
        ...

    def release(self) -> None:
        """Give memory that is kept for later calls back to the device, for another codec to have."""
        ...

    def complexity(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
        """Operations and parameters at (height, width), of a network of its own: counting leaves hooks behind."""
        ...


def _telling(method: Callable[Concatenate[Bench, P], R]) -> Callable[Concatenate[Bench, P], R]:
    """The method of a Bench, within `exhaustion_told`."""

    @wraps(method)
    def told(self: Bench, /, *arguments: P.args, **named: P.kwargs) -> R:
        with exhaustion_told(self.device):
            return method(self, *arguments, **named)

    return told


class Bench:
    """A codec at work in this process; one quality in memory at a time."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.spec = recipe.spec
        self.device = torch.device(recipe.device)
        self._quality = 0
        self._pairs: dict[int, Pair | str] = {}
        self._x = torch.empty(0)
        self._bits = Bitstream(b"")
        self._warm: dict[tuple[int, ...], float] = {}  # image sizes whose warm-up is done -> seconds of both operations
        self._emptied = False  # torch's cache of the GPU's memory, which the next call then has to fill
        self._random = Random(recipe.draw or None)
        self._blocks: list[bytes] = []

    @_telling
    def code(self, quality: int, image: Image) -> dict[str, Any]:
        """See Work. Raises CodecFailure, and whatever a codec raises."""
        pixels = read_image(image)
        pair = self._ready_pair(quality)
        fields: dict[str, Any] = {"width": pixels.shape[1], "height": pixels.shape[0]}
        fields |= {"weights": pair.encoder.weights, "kernels": pair.encoder.kernels}
        fields["encoder_version"] = getattr(pair.encoder.codec, "version", None)
        if isinstance(pair.encoder.codec, ExternalCodec):
            fields["mode"] = pair.encoder.codec.mode
        tensor = pixels_to_tensor(pixels).to(self.device)
        self._emptied = self.device.type == "cuda" and "memory" in self.recipe.parts  # by each peak that is taken
        measured, self._bits = measure(pair, tensor, self.device, self.recipe.parts)
        self._x = tensor.float().div(255)
        if not all(math.isfinite(value) for value in measured.values() if isinstance(value, float)):
            raise CodecFailure("a measured value is NaN or infinite")
        return fields | measured

    @_telling
    def again(self, quality: int, image: Image) -> None:
        """See Work."""
        pair = self._ready_pair(quality)
        self._x = pixels_to_tensor(read_image(image)).to(self.device).float().div(255)
        with torch.no_grad():
            self._bits = pair.encode(self._x)

    @_telling
    def warm_up(self) -> None:
        """See Work. Once per quality and image size."""
        effort = self.recipe.effort
        with torch.no_grad(), undisturbed():
            self._refill()
            if tuple(self._x.shape) in self._warm:
                return
            settled = [warm_up(call, self.device, effort) for call in (self._encode, self._decode)]
        self._warm[tuple(self._x.shape)] = sum(median(samples) for samples in settled)

    @_telling
    def turn(self) -> Samples:
        """See Work. Each sample has another layout of the heap, to which the caches get used first, see Effort."""
        effort, both = self.recipe.effort, self._warm.get(tuple(self._x.shape), math.inf)
        count = effort.per_turn if both * effort.per_turn <= effort.visit_s else int(effort.visit_s / both)
        with torch.no_grad(), undisturbed():
            self._refill()
            return [self._sample(warmed=both <= effort.warmed_s) for _ in range(max(1, count))]

    @_telling
    def phases(self) -> dict[str, list[float]]:
        """See Work. At most Effort.repeats calls of each operation, and no new one after Effort.budget_s."""
        pair = self._pair(self._quality)
        found: dict[str, list[float]] = {}
        for name, call, codec in (
            ("encode", self._encode, pair.encoder.codec),
            ("decode", self._decode, pair.decoder.codec),
        ):
            if isinstance(codec, ModelCodec):
                for seconds in self._phases_of(call, codec):
                    for phase, value in seconds.items():
                        found.setdefault(f"{name}/{phase}", []).append(value)
        return found

    @_telling
    def energy(self) -> dict[str, float]:
        """See Work."""
        counter = Watch(self.device).energy_mj
        calls = {"encode": lambda: self._seconds(self._encode), "decode": lambda: self._seconds(self._decode)}
        with torch.no_grad(), undisturbed():
            found = {name: joules_per_call(call, counter) for name, call in calls.items()}
        return {name: joules for name, joules in found.items() if joules is not None}

    @_telling
    def complexity(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
        """See Work."""
        codec = load_codec(self.spec, quality, self.recipe.files.get(quality), self.device).codec
        return count(cast(ModelCodec, codec).module, self.spec.name, quality, *size)

    def open(self) -> None:
        """See Work. A Bench is ready."""

    def ready(self) -> None:
        """See Work. A Bench is ready."""

    def release(self) -> None:
        """See Work."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            self._emptied = True

    def close(self) -> None:
        """Let the codec go."""
        self._pairs.clear()
        gc.unfreeze()

    def renew(self) -> None:
        """See Work. A Bench lets its networks go."""
        self._pairs.clear()

    def _sample(self, *, warmed: bool) -> tuple[float, float]:
        self._blocks = redrawn(self._random)
        if warmed:
            self._encode()
            self._decode()
        return self._seconds(self._encode), self._seconds(self._decode)

    def _refill(self) -> None:
        """Encode and decode untimed where the first call would pay for memory that was given back."""
        if self._emptied:
            self._encode()
            self._decode()
            self._emptied = False

    def _encode(self) -> Bitstream:
        return self._pair(self._quality).encode(self._x)

    def _decode(self) -> object:
        return self._pair(self._quality).decode(self._bits)

    def _seconds(self, call: Callable[[], object]) -> float:
        return timed(call, self.device)[1]

    def _phases_of(self, call: Callable[[], object], codec: ModelCodec) -> Iterator[dict[str, float]]:
        spent = 0.0
        with torch.no_grad(), undisturbed():
            for _ in range(self.recipe.effort.repeats):
                yield (seconds := phase_times(call, codec.module, self.spec.phases, self.device))
                spent += seconds["total"]
                if spent >= self.recipe.effort.budget_s:
                    return

    def _ready_pair(self, quality: int) -> Pair:
        """The two instances, other programs with the recipe's limits."""
        pair = self._pair(quality)
        for codec in (pair.encoder.codec, pair.decoder.codec):
            if isinstance(codec, ExternalCodec):
                codec.reads_cache = not self.recipe.parts & COSTS
                codec.timeout_s = self.recipe.timeout_s
        return pair

    def _pair(self, quality: int) -> Pair:
        """The two instances of this quality; those of another are let go. A failure is remembered."""
        if quality not in self._pairs:
            gc.unfreeze()
            self._pairs.clear()
            self._warm.clear()
            self._pairs[quality] = self._loaded(quality)
            gc.collect()
            gc.freeze()  # else every collection between two images walks through all that the imports left
        pair = self._pairs[quality]
        if isinstance(pair, str):
            if pair.startswith(OUT_OF_MEMORY):  # there may be more another time
                del self._pairs[quality]
                raise CodecFailure(f"{pair} (when loaded)")
            raise CodecFailure(f"cannot load: {pair}")
        self._quality = quality
        return pair

    def _loaded(self, quality: int) -> Pair | str:
        file = self.recipe.files.get(quality)
        try:
            with exhaustion_told(self.device):
                return Pair(
                    encoder=load_codec(self.spec, quality, file, self.device),
                    decoder=load_codec(self.spec, quality, file, self.device),
                )
        except Exception as error:
            return describe(error)


def pixels_to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """[H, W, 3] -> [1, 3, H, W], uint8."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
