"""The run: leave out what is stored, measure the rest, append each record at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Protocol, cast

import torch

from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.program_codec import ProgramCodec
from lic_bench.images.image_file import read_image
from lic_bench.machine import core_affinity
from lic_bench.measurement.complexity import ALL_COUNTS, failed_complexity
from lic_bench.measurement.failures import CodecFailure, describe
from lic_bench.run.codec_worker import Work, pixels_to_tensor
from lic_bench.run.encode_ahead import Ahead
from lic_bench.run.image_turns import Block, Settings
from lic_bench.run.jobs import Job
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Store


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


def left(store: Store, jobs: Sequence[Job], *, retry_failed: bool) -> list[Job]:
    """The jobs that have no record yet, or a failed one that is to be measured again."""
    stored = store.records.keys - (store.records.failed.keys() if retry_failed else set())
    return [job for job in jobs if job.key not in stored]


class Runner:
    """Works off jobs with one store."""

    def __init__(
        self,
        store: Store,
        listener: Listener,
        works: Mapping[str, Work],
        settings: Settings,
        *,
        ahead: int = 1,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        """works: codec -> who codes. ahead: how many programs may encode at a time where no times are taken.

        pause: called between two rounds of timing.
        """
        self.store = store
        self.listener = listener
        self.works = works
        self.settings = settings
        self.ahead = ahead
        self.pause = pause

    def run(self, jobs: Sequence[Job], *, retry_failed: bool = False) -> Outcome:
        """Do what is not stored yet. A failing codec or image becomes a failed record and the run goes on."""
        todo = left(self.store, jobs, retry_failed=retry_failed)
        self.listener.started(todo, len(jobs) - len(todo))
        self._get_ready({job.spec.name for job in todo})
        outcome = Outcome()
        with core_affinity.keep_on_cores(self.settings.cores), closing(Ahead(self.ahead, self._tasks(todo))) as ahead:
            block = Block(self.works, self.settings, ahead.wait, self.listener.job, self.listener.note, self.pause)
            for _, jobs_of_image in groupby(todo, key=lambda job: (job.dataset, job.rung, job.image.name)):
                for done in block.measured(list(jobs_of_image)):
                    self.store.records.append(done.record)
                    outcome.stored += 1
                    self.listener.record(done.job, done.record, done.seconds)
        failed = self.store.records.failed
        outcome.failed = [failed[job.key] for job in jobs if job.key in failed]
        return outcome

    def complexity(self, spec: CodecSpec, quality: int, size: tuple[int, int], *, retry_failed: bool = False) -> None:
        """Store the complexity of a learned codec at size (height, width), by the counters that have none stored."""
        log = self.store.complexity
        keys = {(spec.name, quality, counter, path, *size) for counter, path in ALL_COUNTS}
        todo = keys - log.keys | (keys & log.failed.keys() if retry_failed else set())
        if spec.kind != "learned" or not todo:
            return
        self.listener.note(f"{spec.name}: counting operations at {size[1]} x {size[0]}")
        try:
            rows = self.works[spec.name].complexity(quality, size)
        except Exception as error:
            rows = failed_complexity(spec.name, quality, *size, error=describe(error))
        for row in rows:
            if row.key in todo:
                log.append(row)
                if row.status == "failed":
                    self.listener.note(f"FAILED {spec.name}: {row.counter}, {row.path}: {row.error}")

    def _tasks(self, jobs: Sequence[Job]) -> dict[Hashable, Callable[[], object]]:
        """What may be done ahead: the bitstreams of other programs."""
        if not self.settings.ahead:
            return {}
        return {job.key: partial(_encode, job, self.settings.timeout_s) for job in jobs if job.spec.programs}

    def _get_ready(self, codecs: Collection[str]) -> None:
        """All at a time; before the first is timed all are done, as importing takes the machine."""
        for name in codecs:
            self.works[name].open()
        for name in codecs if self.settings.timed else ():
            with suppress(CodecFailure):  # the first image will say it
                self.works[name].ready()


def _encode(job: Job, timeout_s: float) -> None:
    """Put the job's bitstream into the cache, where the measuring finds it."""
    codec = cast(ProgramCodec, load_codec(job.spec, job.quality, None, torch.device("cpu")).codec)
    codec.reads_cache, codec.timeout_s = True, timeout_s
    codec.compress(pixels_to_tensor(read_image(job.image)).float().div(255))
