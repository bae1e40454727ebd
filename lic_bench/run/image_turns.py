"""One image through all codecs: each for itself, then, where times are taken, all in interleaved rounds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from lic_bench.defaults import TIMEOUT_S
from lic_bench.measurement.conditions import Watch
from lic_bench.measurement.disturbances import slowed, together
from lic_bench.measurement.failures import OUT_OF_MEMORY, CodecFailure, describe
from lic_bench.measurement.rounds import Canary, Timing, interleave
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.codec_worker import COSTS, Work
from lic_bench.run.jobs import Job
from lic_bench.store.records import Record

R = TypeVar("R")
IDENTITY = (
    *("codec", "quality", "dataset", "image", "image_sha256", "width", "height", "device"),
    *("entropy_coder", "weights", "kernels", "mode", "encoder_version"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the images are measured. parts: see config.PARTS. devices: codec -> where it works, for the record.

    canary, watch: the reference workload and the machine's conditions, needed where times are taken.
    stops_at_limit: a codec that ran out of memory is asked no more. timeout_s: of a program that encodes ahead.
    cores: where everything is kept while times are taken; None: nowhere. starts: of each codec's process, to take the
    times of an image in. apart: codecs work in processes of their own, so that this one may look at a GPU meanwhile.
    """

    parts: frozenset[str]
    effort: Effort
    devices: Mapping[str, str]
    canary: Canary | None = None
    watch: Watch | None = None
    stops_at_limit: bool = False
    cores: frozenset[int] | None = None
    starts: int = 1
    apart: bool = False
    timeout_s: float = TIMEOUT_S

    @property
    def timed(self) -> bool:
        """Whether times are taken."""
        return "latency" in self.parts

    @property
    def ahead(self) -> bool:
        """Whether programs may encode ahead: where nobody asks what that costs."""
        return not self.parts & COSTS


@dataclass(slots=True)
class Done:
    """A job and what is known for its record; seconds: how long it took in all. conditions: of its turns."""

    job: Job
    fields: dict[str, Any]
    error: str | None = None
    seconds: float = 0.0
    conditions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def record(self) -> Record:
        """Of a failed job only what it was."""
        if self.error is None:
            return Record(**self.fields, status="ok")
        return Record(**{k: v for k, v in self.fields.items() if k in IDENTITY}, status="failed", error=self.error)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Count the time; whatever a codec does wrong is its record, not the end of the run."""
        start = perf_counter()
        try:
            yield
        except Exception as error:
            self.error = describe(error)
        self.seconds += perf_counter() - start


class Block:
    """Measures image by image. wait: return when what is done ahead for a job's key is there.

    begins: told each job as it begins; note: told what is worth a line. pause: called between two rounds of timing.
    """

    def __init__(
        self,
        works: Mapping[str, Work],
        settings: Settings,
        wait: Callable[[Hashable], None],
        begins: Callable[[Job], None],
        note: Callable[[str], None],
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self.works = works
        self.settings = settings
        self._wait = wait
        self._begins = begins
        self._note = note
        self._pause = pause
        self._limited: set[str] = set()
        self._made_room = False  # since the last round

    def measured(self, jobs: Sequence[Job]) -> Iterator[Done]:
        """The jobs of one image, of one quality per codec."""
        if not self.settings.timed:
            yield from map(self._coded, jobs)
            return
        done = [self._coded(job) for job in jobs]
        yield from (one for one in done if one.error is not None)
        left = going(done)
        self._time(left)
        yield from left

    def _coded(self, job: Job) -> Done:
        self._begins(job)
        done = Done(job, _identity(job, self.settings.devices[job.spec.name]))
        with done.guarded():
            if job.spec.name in self._limited:
                raise CodecFailure(f"not tried: {OUT_OF_MEMORY} at a smaller size")
            self._wait(job.key)
            code = partial(self.works[job.spec.name].code, job.quality, job.image)
            done.fields |= self._with_room(job.spec.name, code)
        self._note_limit(done)
        return done

    def _with_room(self, codec: str, call: Callable[[], R]) -> R:
        """Where memory runs out on a device that all share, once more after all gave back what they keep."""
        try:
            return call()
        except Exception as error:
            shared = len(self.works) > 1 and not self.settings.devices[codec].startswith("cpu")
            if not (shared and describe(error).startswith(OUT_OF_MEMORY)):
                raise
        for work in self.works.values():
            with suppress(CodecFailure):
                work.release()
        self._made_room = True
        return call()

    def _note_limit(self, done: Done) -> None:
        if self.settings.stops_at_limit and (done.error or "").startswith(OUT_OF_MEMORY):
            self._limited.add(done.job.spec.name)

    def _time(self, done: Sequence[Done]) -> None:
        """Rounds over all that work, after each start; phases afterwards, as taking them costs time."""
        timings = {one.job.spec.name: Timing() for one in done}
        for start in range(self.settings.starts):
            if start:
                self._renew(going(done))
            for name, found in self._rounds(done).items():
                timings[name].add(found, start)
            for one in going(done):
                one.error = _failure(timings[one.job.spec.name])
        for one in done:
            self._note_limit(one)
            if one.error is None:
                timing = timings[one.job.spec.name]
                one.fields |= _times(timing) | {"conditions": _of_kept(one, timing)}
                work = self.works[one.job.spec.name]
                one.fields["energy_j"] = self._extra(one, "energy", work.energy)
                if "phases" in self.settings.parts:
                    one.fields["phases_s"] = self._extra(one, "times of its parts", work.phases)

    def _renew(self, done: Sequence[Done]) -> None:
        """All processes anew, a run that takes turns with this one likewise, and the image coded again."""
        for one in done:
            with one.guarded():
                self.works[one.job.spec.name].renew()
        self._pause()
        for one in going(done):
            with one.guarded():
                again = partial(self.works[one.job.spec.name].again, one.job.quality, one.job.image)
                self._with_room(one.job.spec.name, again)

    def _rounds(self, done: Sequence[Done]) -> dict[str, Timing]:
        """Warm up, then rounds."""
        canary, watch = self.settings.canary, self.settings.watch
        if canary is None or watch is None:
            raise ValueError("times are taken with a canary and a watch")
        for one in going(done):
            with one.guarded():
                self._with_room(one.job.spec.name, self.works[one.job.spec.name].warm_up)
        self._pause()
        left, self._made_room = going(done), False
        return interleave(
            {one.job.spec.name: partial(self._turn, one, watch) for one in left},
            canary,
            self.settings.effort,
            slowed=partial(self._spoilt, _held_back(left)),
            pause=self._pause,
        )

    def _spoilt(self, held_back: Callable[[], bool]) -> bool:
        """Whether a round is to be done again: the GPU was held back, or all gave back their memory on the way."""
        made_room, self._made_room = self._made_room, False
        return held_back() or made_room

    def _extra(self, done: Done, what: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What find gives; without it the record stands: what was measured before is not lost."""
        start = perf_counter()
        try:
            return find()
        except Exception as error:
            self._note(f"{done.job.spec.name}: no {what}: {describe(error)}")
            return {}
        finally:
            done.seconds += perf_counter() - start

    def _turn(self, done: Done, watch: Watch) -> list[tuple[float, float]]:
        """Its turn in a round, and what the machine did meanwhile."""
        on_cpu = self.settings.devices[done.job.spec.name] == "cpu"
        start, before = perf_counter(), watch.read()
        try:
            with watch.looking() if self.settings.apart and not on_cpu else nullcontext():
                return self._with_room(done.job.spec.name, self.works[done.job.spec.name].turn)
        finally:
            done.conditions.append(watch.since(before))
            done.seconds += perf_counter() - start


def going(done: Iterable[Done]) -> list[Done]:
    """Those that have not failed."""
    return [one for one in done if one.error is None]


def _held_back(several: Sequence[Done]) -> Callable[[], bool]:
    """A function that says whether a GPU was held back in one of their turns since it was asked last."""
    seen = [len(one.conditions) for one in several]

    def ask() -> bool:
        fresh = [one.conditions[count:] for one, count in zip(several, seen, strict=True)]
        seen[:] = [len(one.conditions) for one in several]
        return any(map(slowed, fresh))

    return ask


def _failure(timing: Timing) -> str | None:
    return describe(timing.error) if timing.error else None


def _identity(job: Job, device: str) -> dict[str, Any]:
    return {
        "codec": job.spec.name,
        "quality": job.quality,
        "dataset": job.dataset,
        "image": job.image.name,
        "image_sha256": job.image.sha256,
        "width": job.image.width or 0,
        "height": job.image.height or 0,
        "device": device,
        "entropy_coder": job.spec.entropy_coder,
    }


def _of_kept(done: Done, timing: Timing) -> dict[str, Any]:
    """The conditions of the turns whose samples were kept; of a codec on the CPU nothing about a GPU."""
    kept = together([found for found, kept in zip(done.conditions, timing.turns, strict=True) if kept])
    on_cpu = done.fields["device"] == "cpu"
    return {name: value for name, value in kept.items() if not (on_cpu and name.startswith("gpu_"))}


def _times(timing: Timing) -> dict[str, Any]:
    """The fields of a record."""
    return {
        **{name: getattr(timing, name) for name in ("encode_s", "decode_s", "canary_s", "starts")},
        "rounds_repeated": timing.repeated,
        "drifted": timing.drifted,
    }
