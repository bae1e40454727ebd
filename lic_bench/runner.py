"""The run: plan the jobs, leave out what is stored, measure the rest, append each record at once."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from lic_bench.ahead import Ahead
from lic_bench.datasets import Dataset, Image, read_image
from lic_bench.errors import UserError
from lic_bench.external import ExternalCodec
from lic_bench.measurement.complexity import COUNTERS, count, failed_count
from lic_bench.measurement.measure import CodecFailure, Pair, measure
from lic_bench.measurement.stopwatch import Effort
from lic_bench.model_codec import ModelCodec
from lic_bench.models import load_codec
from lic_bench.records import Complexity, Record
from lic_bench.spec import CodecSpec
from lic_bench.store import Store


@dataclass(frozen=True, slots=True)
class Job:
    """One image to be put through one codec at one quality."""

    spec: CodecSpec
    quality: int
    dataset: str
    image: Image

    @property
    def key(self) -> tuple[str, int, str, str]:
        """The key of its record."""
        return self.spec.name, self.quality, self.dataset, self.image.name


class Listener(Protocol):
    """Who watches a run."""

    def started(self, jobs: Sequence[Job], done: int) -> None:
        """`jobs` are to be done; `done` records were stored before."""

    def job(self, job: Job) -> None:
        """This job begins."""

    def record(self, job: Job, record: Record, seconds: float) -> None:
        """This job's record is stored; it took `seconds` in all."""

    def note(self, text: str) -> None:
        """Something worth a line."""


@dataclass(slots=True)
class Outcome:
    """How a run ended. stored: records of this time; failed: all that the run has in store, of earlier times too."""

    stored: int = 0
    failed: list[Record] = field(default_factory=list)
    failed_complexity: list[Complexity] = field(default_factory=list)


def plan(
    specs: Sequence[CodecSpec], ladders: Mapping[str, tuple[int, ...]], datasets: Sequence[Dataset]
) -> Iterator[Job]:
    """Every job, codecs interleaved image by image, so that a machine that drifts drifts for all of them.

    Rung by rung of the ladders, so that one quality per codec is in memory at a time.
    """
    for dataset in datasets:
        for rung in range(max(map(len, ladders.values()), default=0)):
            for image in dataset.images:
                for spec in specs:
                    if rung < len(ladders[spec.name]):
                        yield Job(spec, ladders[spec.name][rung], dataset.name, image)


class Runner:
    """Works off jobs with one store; holds the codecs of the present rung."""

    def __init__(
        self,
        store: Store,
        listener: Listener,
        *,
        device: torch.device,
        weights: Mapping[str, Mapping[int, Path]],
        parts: frozenset[str],
        effort: Effort,
        ahead: int = 1,
    ) -> None:
        """ahead: how many programs may encode at a time where no times are taken."""
        self.store = store
        self.listener = listener
        self.device = device
        self.weights = weights
        self.parts = parts
        self.effort = effort
        self.ahead = ahead
        self._pairs: dict[tuple[str, int], Pair | str] = {}

    def run(self, jobs: Sequence[Job], *, retry_failed: bool = False) -> Outcome:
        """Do what is not stored yet. A failing codec or image becomes a failed record and the run goes on."""
        stored = self.store.records.keys - (self.store.records.failed.keys() if retry_failed else set())
        todo = [job for job in jobs if job.key not in stored]
        self.listener.started(todo, len(jobs) - len(todo))
        outcome = Outcome()
        ahead = Ahead(self.ahead, self._tasks(todo))
        try:
            for job in todo:
                self.listener.job(job)
                start = perf_counter()
                record = self._record(job, ahead)
                self.store.records.append(record)
                outcome.stored += 1
                self.listener.record(job, record, perf_counter() - start)
        finally:
            ahead.close()
            self._pairs.clear()
            gc.unfreeze()
        failed = self.store.records.failed
        outcome.failed = [failed[job.key] for job in jobs if job.key in failed]
        outcome.failed_complexity = list(self.store.complexity.failed.values())
        return outcome

    def complexity(self, spec: CodecSpec, quality: int, size: tuple[int, int], *, retry_failed: bool = False) -> None:
        """Store the complexity of a learned codec at size (height, width), by the counters that have none stored."""
        log = self.store.complexity
        keys = {(spec.name, quality, counter, "forward") for counter in COUNTERS}
        todo = keys - log.keys | (keys & log.failed.keys() if retry_failed else set())
        if spec.kind != "learned" or not todo:
            return
        self.listener.note(f"{spec.name}: counting operations at {size[1]} x {size[0]}")
        try:
            codec = load_codec(spec, quality, self.weights[spec.name].get(quality), self.device).codec
            rows = count(cast(ModelCodec, codec).module, spec.name, quality, *size)
        except Exception as error:
            rows = failed_count(spec.name, quality, *size, error=describe(error))
        for row in rows:
            if row.key in todo:
                log.append(row)
                if row.status == "failed":
                    self.listener.note(f"FAILED {spec.name}: {row.counter}: {row.error}")

    @property
    def _untimed(self) -> bool:
        return "latency" not in self.parts

    def _tasks(self, jobs: Sequence[Job]) -> dict[Hashable, Callable[[], object]]:
        """What may be done ahead: the bitstreams of other programs, where nobody measures how long they take."""
        return {job.key: partial(self._encode, job) for job in jobs if job.spec.programs and self._untimed}

    def _encode(self, job: Job) -> None:
        """Put the job's bitstream into the cache, where the measuring finds it."""
        codec = cast(ExternalCodec, load_codec(job.spec, job.quality, None, torch.device("cpu")).codec)
        codec.reads_cache = True
        codec.compress(_tensor(read_image(job.image)).float().div(255))

    def _record(self, job: Job, ahead: Ahead) -> Record:
        base: dict[str, Any] = {
            "codec": job.spec.name,
            "quality": job.quality,
            "dataset": job.dataset,
            "image": job.image.name,
            "image_sha256": job.image.sha256,
            "width": job.image.width or 0,
            "height": job.image.height or 0,
            "device": str(self._device(job.spec)),
            "entropy_coder": job.spec.entropy_coder,
        }
        return self._guarded(base, lambda: self._measured(job, base, ahead))

    def _measured(self, job: Job, base: dict[str, Any], ahead: Ahead) -> Record:
        pixels = read_image(job.image)
        base |= {"width": pixels.shape[1], "height": pixels.shape[0]}
        pair = self._pair(job)
        base |= {"weights": pair.encoder.weights, "kernels": pair.encoder.kernels}
        if isinstance(pair.encoder.codec, ExternalCodec):
            base |= {"mode": pair.encoder.codec.mode, "encoder_version": pair.encoder.codec.version}
            pair.encoder.codec.reads_cache = self._untimed
        ahead.wait(job.key)
        device = torch.device(base["device"])
        image = _tensor(pixels).to(device)
        fields = measure(pair, image, device, self.parts, self.effort)
        if not all(math.isfinite(value) for value in fields.values() if isinstance(value, float)):
            raise CodecFailure("a measured value is NaN or infinite")
        return Record(**base, status="ok", **fields)

    def _guarded(self, base: dict[str, Any], work: Callable[[], Record]) -> Record:
        try:
            return work()
        except Exception as error:  # whatever a codec does wrong is its record, not the end of the run
            message = describe(error)
        if self.device.type == "cuda":  # outside the handler, whose traceback keeps the tensors alive
            torch.cuda.empty_cache()
        return Record(**base, status="failed", error=message)

    def _device(self, spec: CodecSpec) -> torch.device:
        return self.device if self.device.type in spec.devices else torch.device("cpu")

    def _pair(self, job: Job) -> Pair:
        """The two instances for this job; those of other qualities of the codec are let go. A failure is remembered."""
        key = job.spec.name, job.quality
        if key not in self._pairs:
            gc.unfreeze()
            for old in [k for k in self._pairs if k[0] == job.spec.name]:
                del self._pairs[old]
            device = self._device(job.spec)
            file = self.weights.get(job.spec.name, {}).get(job.quality)
            try:
                self._pairs[key] = Pair(
                    encoder=load_codec(job.spec, job.quality, file, device),
                    decoder=load_codec(job.spec, job.quality, file, device),
                )
            except Exception as error:
                self._pairs[key] = describe(error)
            gc.collect()
            gc.freeze()  # else every collection between two images walks through all that the imports left
        pair = self._pairs[key]
        if isinstance(pair, str):
            raise CodecFailure(f"cannot load: {pair}")
        return pair


def _tensor(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """[H, W, 3] -> [1, 3, H, W], uint8."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def describe(error: Exception) -> str:
    """An exception in one line; its class is named unless the message was written for users."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, UserError | CodecFailure) else f"{type(error).__name__}: {text}"[:500]
