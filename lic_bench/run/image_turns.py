"""One image through all codecs: each codes it by itself, then, where times are taken, all have turns in rounds."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any, TypeVar

from lic_bench.measurement.disturbances import gpu_was_slowed, merge_conditions
from lic_bench.measurement.failures import CodecFailure, Failure
from lic_bench.measurement.machine_monitor import MachineMonitor
from lic_bench.measurement.rounds import Canary, Samples, Timing, interleave
from lic_bench.measurement.stopwatch import Effort
from lic_bench.measurement.verified_coding import ROUNDING_MSE
from lic_bench.run.job_result import JobResult, going
from lic_bench.run.jobs import Job
from lic_bench.run.worker_interface import Worker

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the images are measured. parts: see options.PARTS. devices: codec -> where it works, for the record.

    canary, watch: the reference workload and the machine's conditions, needed where times are taken.
    stops_at_limit: a codec that ran out of memory is asked no more. timeout_s: what was asked for; None: each codec's
    default. cores: where everything is kept while times are taken; None: nowhere. starts: of each codec's process, to
    take the times of an image in. apart: codecs work in processes of their own, so that this one may look at a GPU
    meanwhile.
    """

    parts: frozenset[str]
    effort: Effort
    devices: Mapping[str, str]
    canary: Canary | None = None
    watch: MachineMonitor | None = None
    stops_at_limit: bool = False
    cores: frozenset[int] | None = None
    starts: int = 1
    apart: bool = False
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What a run does around the measuring.

    await_bitstream: return when what is encoded ahead for a job's key is there. job_begins: told each job.
    coded: given each image that was coded and verified, before times are taken. note: told
    what is worth a line. between_rounds: called between two rounds of timing.
    """

    await_bitstream: Callable[[Hashable], None] = lambda key: None
    coded: Callable[[JobResult], None] = lambda result: None
    job_begins: Callable[[Job], None] = lambda job: None
    note: Callable[[str], None] = lambda text: None
    between_rounds: Callable[[], None] = lambda: None


class ImageTurns:
    """Measures image by image."""

    def __init__(self, workers: Mapping[str, Worker], settings: Settings, hooks: Hooks) -> None:
        """workers: codec -> who codes for it."""
        self.workers = workers
        self.settings = settings
        self.hooks = hooks
        self._out_of_memory: set[str] = set()
        self._rounds_otherwise: set[str] = set()
        self._made_room = False  # since the last round

    def measure(self, jobs: Sequence[Job]) -> Iterator[JobResult]:
        """The jobs of one image, of one quality per codec."""
        if "latency" not in self.settings.parts:
            yield from map(self._code, jobs)
            return
        results = [self._code(job) for job in jobs]
        yield from (result for result in results if result.failure is not None)
        working = going(results)
        self._time(working)
        yield from working

    def _code(self, job: Job) -> JobResult:
        self.hooks.job_begins(job)
        result = JobResult.begun(job, self.settings.devices[job.spec.name], self.settings.parts)
        with result.guarded():
            if result.codec in self._out_of_memory:
                raise CodecFailure("not tried: out of memory at a smaller size", "not_tried")
            self.hooks.await_bitstream(job.key)
            result.image = self._with_room(result, partial(self.workers[result.codec].code, job.quality, job.image))
            result.fields |= result.image.fields
            self._note_other_rounding(result)
        self._note_limit(result)
        if result.failure is None:
            self.hooks.coded(result)
        return result

    def _with_room(self, result: JobResult, call: Callable[[], R]) -> R:
        """Call; if memory runs out on a device that all share, call again after all gave back what they keep."""
        try:
            return call()
        except Exception as error:
            shared = len(self.workers) > 1 and not self.settings.devices[result.codec].startswith("cpu")
            if not shared or Failure.of(error).kind != "out_of_memory":
                raise
        for worker in self.workers.values():
            with suppress(CodecFailure):
                worker.release()
        self._made_room = True
        return call()

    def _note_limit(self, result: JobResult) -> None:
        if self.settings.stops_at_limit and result.failure and result.failure.kind == "out_of_memory":
            self._out_of_memory.add(result.codec)

    def _note_other_rounding(self, result: JobResult) -> None:
        """Once for a codec: its forward pass is not what was decoded, though nothing went wrong."""
        difference = result.fields.get("decode_mse") or 0.0
        if difference > ROUNDING_MSE and result.codec not in self._rounds_otherwise:
            self._rounds_otherwise.add(result.codec)
            self.hooks.note(
                f"{result.codec}: its forward pass rounds otherwise than its encoder: a mean squared {difference:.3g} "
                "levels from what is decoded, which counts for bytes and quality"
            )

    def _time(self, results: Sequence[JobResult]) -> None:
        """Time all in rounds, after each start of their processes; then phases, as taking them costs time."""
        timings = {result.codec: Timing() for result in results}
        for start in range(self.settings.starts):
            if start:
                self._renew(going(results))
            for codec, timing in self._rounds(results).items():
                timings[codec].add(timing, start)
            for result in going(results):
                error = timings[result.codec].error
                result.failure = Failure.of(error) if error else None
        for result in results:
            self._note_limit(result)
            if result.failure is None:
                result.fields |= _fields_of(timings[result.codec], result)
                result.fields["energy_j"] = self._extra(result, "energy", result.image.energy)
                if "phases" in self.settings.parts:
                    result.fields["phases_s"] = self._extra(result, "times of its parts", result.image.phases)

    def _renew(self, results: Sequence[JobResult]) -> None:
        """Start all processes anew, let a run that takes turns with this one do so too, and code the image again."""
        for result in results:
            with result.guarded():
                self.workers[result.codec].renew()
        self.hooks.between_rounds()
        for result in going(results):
            with result.guarded():
                encode = partial(self.workers[result.codec].encode, result.job.quality, result.job.image)
                result.image = self._with_room(result, encode)

    def _rounds(self, results: Sequence[JobResult]) -> dict[str, Timing]:
        """Warm up, then rounds."""
        canary, watch = self.settings.canary, self.settings.watch
        if canary is None or watch is None:
            raise ValueError("times are taken with a canary and a watch")
        for result in going(results):
            with result.guarded():
                self._with_room(result, result.image.warm_up)
        self.hooks.between_rounds()
        working, self._made_room = going(results), False
        return interleave(
            {result.codec: partial(self._turn, result, watch) for result in working},
            canary,
            self.settings.effort,
            slowed=partial(self._is_spoilt, _was_held_back(working)),
            pause=self.hooks.between_rounds,
        )

    def _turn(self, result: JobResult, watch: MachineMonitor) -> Samples:
        """The codec's turn in a round; what the machine did meanwhile is noted."""
        on_cpu = self.settings.devices[result.codec] == "cpu"
        before = watch.take_reading()
        with result.timed():
            try:
                with watch.poll_gpu() if self.settings.apart and not on_cpu else nullcontext():
                    return self._with_room(result, result.image.turn)
            finally:
                result.conditions.append(watch.summarise_since(before))

    def _is_spoilt(self, was_held_back: Callable[[], bool]) -> bool:
        """Whether a round is to be done again: the GPU was held back, or all gave back their memory on the way."""
        made_room, self._made_room = self._made_room, False
        return was_held_back() or made_room

    def _extra(self, result: JobResult, what: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `find` gives; {} and a note where it fails: what was measured before is not lost."""
        with result.timed():
            try:
                return find()
            except Exception as error:
                self.hooks.note(f"{result.codec}: no {what}: {Failure.of(error).message}")
                return {}


def _was_held_back(results: Sequence[JobResult]) -> Callable[[], bool]:
    """A function that says whether a GPU was held back in one of their turns since it was asked last."""
    seen = [len(result.conditions) for result in results]

    def ask() -> bool:
        fresh = [result.conditions[count:] for result, count in zip(results, seen, strict=True)]
        seen[:] = [len(result.conditions) for result in results]
        return any(map(gpu_was_slowed, fresh))

    return ask


def _fields_of(timing: Timing, result: JobResult) -> dict[str, Any]:
    """The fields of a record; conditions: of the turns whose samples were kept, without a GPU's if on the CPU."""
    conditions = merge_conditions(list(compress(result.conditions, timing.turns)))
    if result.fields["device"] == "cpu":
        conditions = {name: value for name, value in conditions.items() if not name.startswith("gpu_")}
    return {
        **{name: getattr(timing, name) for name in ("encode_s", "decode_s", "canary_s", "starts", "drifted")},
        "rounds_repeated": timing.repeated,
        "conditions": conditions,
    }
