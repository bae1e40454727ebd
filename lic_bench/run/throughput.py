"""Images per second in batches: which images, one codec after the other, a row per batch."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Protocol

from lic_bench.images.datasets import Dataset
from lic_bench.images.image_file import Image
from lic_bench.measurement.failures import CodecFailure, Failure
from lic_bench.measurement.rounds import Timing, interleave
from lic_bench.run.image_turns import Settings
from lic_bench.run.preparation import Session
from lic_bench.run.worker_interface import Worker
from lic_bench.spec import CodecSpec
from lic_bench.store.record_log import read_rows
from lic_bench.store.records import Throughput
from lic_bench.system import stop_signals

IMAGES = 16  # of a sample, if the batch is not larger, so that all batches are timed on the same ones
BatchRows = Mapping[tuple[str | int, ...], Throughput]  # the last row of each key


class BatchLog(Protocol):
    """Where rows go, of a RecordLog."""

    @property
    def rows(self) -> BatchRows: ...
    def append(self, row: Throughput) -> Throughput: ...


@dataclass(frozen=True, slots=True)
class BatchJob:
    """Images of one size to be put through one codec at one quality, `batch` of them in each call.

    images: a multiple of `batch`; where there are fewer pictures, these take turns.
    """

    spec: CodecSpec
    quality: int
    dataset: str
    batch: int
    images: tuple[Image, ...]

    @property
    def key(self) -> tuple[str, int, str, int, int, int]:
        """The key of its record."""
        return self.spec.name, self.quality, self.dataset, self._side("height"), self._side("width"), self.batch

    def fields(self, device: str) -> dict[str, Any]:
        """The fields of its record that are known before anything is measured."""
        names = ("codec", "quality", "dataset", "height", "width", "batch")
        return dict(zip(names, self.key, strict=True)) | {
            "images": len(self.images),
            "pictures": len(set(self.images)),
            "device": device,
            "entropy_coder": self.spec.entropy_coder,
        }

    def _side(self, name: str) -> int:
        return getattr(self.images[0], name) or 0


def batch_jobs(session: Session) -> Iterator[BatchJob]:
    """Every batch of the session, quality after quality, the smallest first: where memory runs out, larger ones fail.

    A codec without a network has batches of one image; one that is another program, or only decodes, has none.
    """
    for spec in session.specs:
        batches = session.config.batch if spec.kind == "learned" else {1} & set(session.config.batch)
        for dataset in session.datasets if not (spec.programs or spec.streams) else ():
            pictures = pictures_of_one_size(dataset)
            for quality in session.config.qualities[spec.name] if pictures else ():
                for batch in batches:
                    yield BatchJob(spec, quality, dataset.name, batch, images_of_batches(pictures, batch))


def pictures_of_one_size(dataset: Dataset) -> list[Image]:
    """The data set's images of its most frequent size, the first of them where several are as frequent."""
    sizes = Counter((image.height, image.width) for image in dataset.usable)
    return [image for image in dataset.usable if (image.height, image.width) == max(sizes, key=sizes.__getitem__)]


def images_of_batches(pictures: Sequence[Image], batch: int) -> tuple[Image, ...]:
    """The first IMAGES of the pictures, and as many more as fill the last batch, from the first on if need be."""
    count = batch * ceil(min(IMAGES, len(pictures)) / batch)
    return tuple(pictures[index % len(pictures)] for index in range(count))


def stored_batches(folder: Path) -> BatchRows:
    """What the throughput records of a run's folder hold; empty where there are none."""
    return {row.key: row for row in read_rows(folder / "throughput.jsonl", Throughput)}


def batches_lacking(rows: BatchRows, session: Session, *, retry_failed: bool) -> list[BatchJob]:
    """The batches that have no row yet over as many pictures, or a failed one that is to be tried again."""
    if not session.config.batch:
        return []
    done = {(key, row.images, row.pictures) for key, row in rows.items() if row.status == "ok" or not retry_failed}
    jobs = batch_jobs(session)
    return [job for job in jobs if (job.key, len(job.images), len(set(job.images))) not in done]


def measure_batches(
    jobs: Sequence[BatchJob],
    workers: Mapping[str, Worker],
    settings: Settings,
    log: BatchLog,
    note: Callable[[str], None],
    between_rounds: Callable[[], None],
) -> None:
    """Measure and store batch after batch, one codec at a time. Whatever a codec does wrong is a failed row."""
    for job in jobs:
        images = f"{len(job.images)} images of {job.images[0].width} x {job.images[0].height}"
        note(f"{job.spec.name} {job.spec.quality_name[0]}{job.quality} {job.dataset}: {images}, {job.batch} at a time")
        fields = job.fields(settings.devices[job.spec.name])
        try:
            _check_memory_left(job, log.rows)
            measured, timing = _measured(job, workers, settings, between_rounds)
            fields |= measured | {name: getattr(timing, name) for name in ("encode_s", "decode_s", "canary_s")}
            fields |= {"status": "ok", "rounds_repeated": timing.repeated, "drifted": timing.drifted}
        except Exception as error:
            failure = Failure.of(error)
            fields |= {"status": "failed", "error": failure.message, "failure": failure.kind}
        stop_signals.raise_again()  # it may be the signal that made the codec fail
        row = log.append(Throughput(**fields))
        if row.status == "failed":
            note(f"FAILED {row.codec}: batch of {row.batch}: {row.error}")


def _check_memory_left(job: BatchJob, rows: BatchRows) -> None:
    """Raise CodecFailure if memory ran out at a smaller batch of the same images."""
    full = [row for row in rows.values() if row.key[:-1] == job.key[:-1] and row.failure == "out_of_memory"]
    if any(row.batch < job.batch for row in full):
        raise CodecFailure("not tried: out of memory at a smaller batch", "not_tried")


def _measured(
    job: BatchJob, workers: Mapping[str, Worker], settings: Settings, between_rounds: Callable[[], None]
) -> tuple[dict[str, Any], Timing]:
    """The fields of the row without times, and the times; other codecs give their memory back before."""
    if settings.canary is None:
        raise ValueError("times are taken with a canary")
    for name, other in workers.items():
        with suppress(CodecFailure):
            if name != job.spec.name:
                other.release()
    coded = workers[job.spec.name].code_batches(job.quality, job.images, job.batch)
    coded.warm_up()
    timing = interleave({job.key: coded.turn}, settings.canary, settings.effort, pause=between_rounds)[job.key]
    if timing.error:
        raise timing.error
    return coded.fields, timing
