"""`--match CODEC:QUALITY`: classical codecs, image by image, at the quality nearest in size to another codec's."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean
from typing import TYPE_CHECKING

from lic_bench.errors import UserError
from lic_bench.images.image_file import Image
from lic_bench.option_lists import split_list
from lic_bench.run.jobs import Job
from lic_bench.run.worker_interface import Worker
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Record
from lic_bench.system import stop_signals

if TYPE_CHECKING:
    from lic_bench.run.preparation import Session

Rows = Mapping[tuple[str | int, ...], Record]
Weights = Mapping[str, Mapping[str, str]]
RUNGS = 1000  # beyond every ladder's


@dataclass(frozen=True, slots=True)
class Target:
    """Whose sizes are to be met."""

    codec: str
    quality: int

    def __str__(self) -> str:
        return f"{self.codec}:{self.quality}"

    @classmethod
    def parsed(cls, text: str) -> Target:
        """Of CODEC:QUALITY. Raises UserError."""
        codec, _, quality = text.rpartition(":")
        if not codec or not quality.isdecimal():
            raise UserError(f"--match {text}: write CODEC:QUALITY, as lalic-small:3.")
        return cls(codec, int(quality))


def targets_of(match: str | None) -> list[Target]:
    """Of the text of --match; [] if it was not given."""
    return [Target.parsed(text) for text in split_list(match, "--match")] if match is not None else []


def searching(specs: Sequence[CodecSpec], targets: Sequence[Target]) -> list[CodecSpec]:
    """The codecs that search: the classical ones whose own sizes are not to be met."""
    met = {target.codec for target in targets}
    return [spec for spec in specs if spec.kind == "classical" and spec.name not in met] if targets else []


def check_match(
    targets: Sequence[Target], specs: Sequence[CodecSpec], ladders: Mapping[str, Sequence[int]], weights: Weights
) -> None:
    """Raise UserError where no size of a target would be measured or mean anything, and where no codec searches."""
    names = ",".join(spec.name for spec in specs)
    for target in targets:
        given = f"--match {target}"
        if target.codec not in ladders:
            raise UserError(f"{given}: {target.codec!r} is not among --codecs {names}; add it.")
        if target.quality not in ladders[target.codec]:
            measured = ", ".join(map(str, ladders[target.codec])) or "none"
            raise UserError(
                f"{given}: this quality is not measured, but {measured}; add --qualities "
                f"{target.codec}={target.quality}."
            )
        if weights.get(target.codec, {}).get(str(target.quality), "").startswith("random"):
            raise UserError(f"{given}: random weights have sizes that mean nothing; give weights, or another codec.")
    if targets and not searching(specs, targets):
        raise UserError(f"--match: of --codecs {names} no classical one is left to search its quality; add jpeg.")


def nearest_quality(spec: CodecSpec, wanted: int, size_of: Callable[[int], int]) -> int:
    """The quality whose size has the ratio to `wanted` bytes that is nearest to 1, by bisection.

    size_of: bytes at a quality, which grow with it or shrink, as those at the ends of the codec's ladder tell. Of sizes
    that do neither throughout, the nearest that was seen. Whatever size_of raises is raised.
    """
    first, last = spec.quality_range or (min(spec.qualities), max(spec.qualities))
    qualities = range(first, last + 1) if spec.quality_range else sorted(spec.qualities)
    seen: dict[int, int] = {}

    def size(quality: int) -> int:
        if quality not in seen:
            seen[quality] = size_of(quality)
        return seen[quality]

    grows = size(max(spec.qualities)) >= size(min(spec.qualities))
    bisect_left(qualities if grows else qualities[::-1], wanted, key=size)
    return min(seen, key=lambda quality: (abs(log(max(1, seen[quality]) / wanted)), quality))


def matched_jobs(session: Session, workers: Mapping[str, Worker], rows: Rows, note: Callable[[str], None]) -> list[Job]:
    """A job per searching codec, target and image, at the quality found; none for images that the target lacks.

    Jobs that the session has anyway are left out. A codec that fails on the way has its job at the quality where it
    did, so that its record says why. note: is told what is searched, and how near it came.
    """
    targets = [Target.parsed(text) for text in session.config.match]
    specs = searching(session.specs, targets)
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


def may_be_matched(session: Session, rows: Rows) -> list[Record]:
    """The stored records of searching codecs that lack something asked for: any may be at a quality that is found."""
    specs = searching(session.specs, [Target.parsed(text) for text in session.config.match])
    names, asked = {spec.name for spec in specs}, session.parts_of_records()
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
