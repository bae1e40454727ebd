"""The jobs of `--match`: each image at the quality at which a classical codec is nearest in size to another codec's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean

from lic_bench.images.image_file import Image
from lic_bench.run.jobs import Job
from lic_bench.run.matched_sizes import Target, nearest_quality, searching
from lic_bench.run.preparation import Session
from lic_bench.run.worker_interface import Worker
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Record
from lic_bench.system import stop_signals

Rows = Mapping[tuple[str | int, ...], Record]
RUNGS = 1000  # beyond every ladder's


def matched_jobs(session: Session, workers: Mapping[str, Worker], rows: Rows, note: Callable[[str], None]) -> list[Job]:
    """A job per searching codec, target and image, at the quality found; none for images that the target lacks.

    Jobs that the session has anyway are left out. A codec that fails on the way has its job at the quality where it
    did, so that its record says why. note: is told what is searched, and how near it came.
    """
    targets = [Target.parsed(text) for text in session.config.match]
    specs = matched_codecs(session)
    jobs: dict[tuple[str | int, ...], Job] = {}
    for rung, target in enumerate(targets, RUNGS):
        note(f"{target}: searching the qualities of {', '.join(spec.name for spec in specs)} that meet its sizes")
        off: dict[str, list[float]] = {spec.name: [] for spec in specs}
        for dataset, image, size in _sizes(target, session, rows):
            for spec in specs:
                quality, distance = _found(spec, size, workers[spec.name], image)
                off[spec.name] += distance
                job = Job(spec, quality, dataset, image, rung)
                jobs.setdefault(job.key, job)
        for name, distances in off.items():
            note(f"{target}: {name} {_summary(distances)}")
    known = {job.key for job in session.jobs()}
    return [job for key, job in jobs.items() if key not in known]


def matched_codecs(session: Session) -> list[CodecSpec]:
    """The codecs that search their quality."""
    return searching(session.specs, [Target.parsed(text) for text in session.config.match])


def may_be_matched(session: Session, rows: Rows) -> list[Record]:
    """The stored records of searching codecs that lack something asked for: any may be at a quality that is found."""
    names, asked = {spec.name for spec in matched_codecs(session)}, session.parts_of_records()
    return [row for row in rows.values() if row.codec in names and row.status == "ok" and not asked <= {*row.parts}]


def _sizes(target: Target, session: Session, rows: Rows) -> Iterator[tuple[str, Image, int]]:
    """Data set, image and payload bytes of what the target has coded."""
    for dataset in session.datasets:
        for image in dataset.usable:
            row = rows.get((target.codec, target.quality, dataset.name, image.name))
            if row and row.status == "ok" and row.payload_bytes:
                yield dataset.name, image, row.payload_bytes


def _found(spec: CodecSpec, wanted: int, worker: Worker, image: Image) -> tuple[int, list[float]]:
    """The quality, and how far its size is off, relative; nothing where the codec failed."""
    sizes: dict[int, int] = {}

    def size_of(quality: int) -> int:
        sizes[quality] = 0  # the last one tried, whatever comes
        sizes[quality] = worker.payload_bytes(quality, image)
        return sizes[quality]

    try:
        found = nearest_quality(spec, wanted, size_of)
    except Exception:  # whatever a codec does wrong
        stop_signals.raise_again()
        return list(sizes)[-1], []
    return found, [abs(sizes[found] / wanted - 1)]


def _summary(off: Sequence[float]) -> str:
    if not off:
        return "found none"
    return f"is off by {fmean(off):.1%} of the size on average, at most {max(off):.1%}; images: {len(off)}"
