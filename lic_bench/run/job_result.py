"""What became of a job: the fields of its record, or how it failed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from lic_bench.measurement.failures import Failure
from lic_bench.run.jobs import Job
from lic_bench.run.worker_interface import CodedImage
from lic_bench.store.records import FIELDS_OF_PART, IDENTITY, Record


@dataclass(slots=True)
class JobResult:
    """A job and what is known for its record. seconds: how long it took in all. conditions: of each of its turns.

    image: once it was coded.
    """

    job: Job
    fields: dict[str, Any]
    image: CodedImage = field(init=False, repr=False)
    failure: Failure | None = None
    seconds: float = 0.0
    conditions: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def begun(cls, job: Job, device: str, parts: Collection[str]) -> JobResult:
        """What is known before anything is done. device: where the codec works. parts: to be measured."""
        image = job.image
        fields = {
            "codec": job.spec.name,
            "quality": job.quality,
            "dataset": job.dataset,
            "image": image.name,
            "image_sha256": image.sha256,
            "width": image.width or 0,
            "height": image.height or 0,
            "device": device,
            "entropy_coder": job.spec.entropy_coder,
            "parts": [part for part in FIELDS_OF_PART if part in parts],
        }
        return cls(job, fields)

    @property
    def codec(self) -> str:
        """The codec's name."""
        return self.job.spec.name

    @property
    def record(self) -> Record:
        """The job's record; of a failed job it only says which job it was and how it failed."""
        if self.failure is None:
            return Record(**self.fields, status="ok")
        identity = {name: value for name, value in self.fields.items() if name in IDENTITY}
        return Record(**identity, status="failed", error=self.failure.message, failure=self.failure.kind)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds += perf_counter() - start

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Count the time; whatever a codec does wrong is its record, not the end of the run."""
        with self.timed():
            try:
                yield
            except Exception as error:
                self.failure = Failure.of(error)


def going(results: Iterable[JobResult]) -> list[JobResult]:
    """The results that have not failed."""
    return [result for result in results if result.failure is None]
