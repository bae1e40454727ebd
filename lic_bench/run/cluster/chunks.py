"""What travels: a run's orders, told to each worker once; chunks of its work; what a worker answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from lic_bench.images.image_file import Image
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.perceptual_turns import Scores, Turn, saved_pixels
from lic_bench.run.preparation import Session
from lic_bench.run.throughput import BatchJob
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Complexity, Record, Throughput

Codecs: TypeAlias = tuple[tuple[str, int], ...]  # codec and quality, of what a chunk needs loaded
IMAGES = 4  # of a chunk, where a codec works in the worker's process: some seconds of work, and little to lose


@dataclass(frozen=True, slots=True)
class NodeFile:
    """A picture or a weights file that workers need. path: where it is at the run. sha256: of its bytes."""

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """All that a worker must know of a run before its first chunk.

    run: this start of it. folder: of the run, and on what machine. session: without data sets.
    parts: what is measured, see run.options.PARTS.
    timed: whether times or memory are among it. files: all that any chunk needs.
    folders: (folder at the run, folder on the nodes), of the same content. scratch: folder on the nodes for what is
    sent; None: the worker's own.
    """

    run: str
    folder: str
    session: Session
    options: Options
    parts: frozenset[str]
    timed: bool
    files: Sequence[NodeFile]
    folders: Sequence[tuple[Path, Path]] = ()
    scratch: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """What a worker says of itself.

    environment, fingerprint: as in run.json. lacking: files that have to be sent, by their paths at the run.
    problem: why it cannot work for this run; None if it can.
    """

    host: str
    environment: dict[str, Any]
    fingerprint: dict[str, Any]
    lacking: frozenset[Path] = frozenset()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ImageChunk:
    """Jobs of one codec and quality; where times are taken, of one image, through all codecs."""

    jobs: tuple[Job, ...]

    @property
    def codecs(self) -> Codecs:
        """What is loaded for it: codec and quality."""
        return tuple(dict.fromkeys((job.spec.name, job.quality) for job in self.jobs))

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures that it needs."""
        return tuple(job.image for job in self.jobs)

    @property
    def label(self) -> str:
        """What a person is told of it."""
        first = self.jobs[0]
        return f"{first.spec.name} {first.spec.quality_name[0]}{first.quality} {first.dataset}/{first.image.name}"


@dataclass(frozen=True, slots=True)
class CountChunk:
    """Operations of one codec at one size (height, width), of which the run lacks some."""

    spec: CodecSpec
    quality: int
    size: tuple[int, int]
    images: tuple[Image, ...] = ()

    @property
    def codecs(self) -> Codecs:
        """As of an ImageChunk."""
        return ((self.spec.name, self.quality),)

    @property
    def label(self) -> str:
        """As of an ImageChunk."""
        return f"{self.spec.name}: operations at {self.size[1]} x {self.size[0]}"


@dataclass(frozen=True, slots=True)
class BatchChunk:
    """Batches of one codec, quality and data set, smallest first."""

    jobs: tuple[BatchJob, ...]

    @property
    def codecs(self) -> Codecs:
        """As of an ImageChunk."""
        return ((self.jobs[0].spec.name, self.jobs[0].quality),)

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures that it needs."""
        return tuple(dict.fromkeys(image for job in self.jobs for image in job.images))

    @property
    def label(self) -> str:
        """As of an ImageChunk."""
        return f"{self.jobs[0].spec.name} Q{self.jobs[0].quality}: batches of {self.jobs[0].dataset}"


@dataclass(frozen=True, slots=True)
class PerceptualChunk:
    """A decoded picture beside its original. picture: its file at the run; data: its bytes, once it is handed out."""

    turn: Turn
    picture: Path
    data: bytes = field(default=b"", repr=False)
    codecs: Codecs = ()

    @property
    def images(self) -> tuple[Image, ...]:
        """The picture that it needs."""
        return (self.turn.jobs[0].image,)

    def ready_to_send(self) -> PerceptualChunk:
        """With the picture's bytes. Raises UserError where its file is gone or holds another picture."""
        saved_pixels(self.picture)
        return replace(self, data=self.picture.read_bytes())

    @property
    def label(self) -> str:
        """As of an ImageChunk."""
        return f"perceptual metrics of {self.turn.jobs[0].image.name}"


Chunk: TypeAlias = ImageChunk | CountChunk | BatchChunk | PerceptualChunk


class OtherRun(Exception):
    """This process works for another run by now; it has to be told the orders again."""


@dataclass(slots=True)
class Answer:
    """What came of a chunk. records: with the seconds that each took. saved: (kind, hash, bytes) for the run's folder.

    scores, problem: of a PerceptualChunk.
    """

    records: list[tuple[Record, float]] = field(default_factory=list)
    counts: list[Complexity] = field(default_factory=list)
    batches: list[Throughput] = field(default_factory=list)
    scores: Scores = field(default_factory=dict)
    problem: str = ""
    saved: list[tuple[str, str, bytes]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def has_failures(self) -> bool:
        """Whether any of it failed."""
        rows: list[Record | Complexity | Throughput] = [
            *(record for record, _ in self.records),
            *self.counts,
            *self.batches,
        ]
        return bool(self.problem) or any(row.status == "failed" for row in rows)


def image_chunks(jobs: Sequence[Job], *, timed: bool) -> Iterator[ImageChunk]:
    """The jobs in chunks: for times image by image, in the run's order; else codec by codec, quality by quality.

    A codec that is another program, which may take minutes, has chunks of one image.
    """
    if timed:
        for _, of_image in groupby(jobs, key=lambda job: (job.dataset, job.rung, job.image.name)):
            yield ImageChunk(tuple(of_image))
        return
    by_quality: dict[tuple[str, int], list[Job]] = {}
    for job in jobs:
        by_quality.setdefault((job.spec.name, job.quality), []).append(job)
    for of_quality in by_quality.values():
        count = 1 if of_quality[0].spec.programs else IMAGES
        for start in range(0, len(of_quality), count):
            yield ImageChunk(tuple(of_quality[start : start + count]))


def batch_chunks(jobs: Sequence[BatchJob]) -> Iterator[BatchChunk]:
    """The batches in chunks."""
    for _, alike in groupby(jobs, key=lambda job: (job.spec.name, job.quality, job.dataset)):
        yield BatchChunk(tuple(alike))


def smaller_chunks(chunk: Chunk) -> list[Chunk]:
    """The chunk image by image, so that one that ends its worker ends no other; as it is where nothing can be apart."""
    if isinstance(chunk, ImageChunk) and len(chunk.codecs) == 1:
        return [ImageChunk((job,)) for job in chunk.jobs]
    return [chunk]


def with_files_at(chunk: ImageChunk | BatchChunk, places: Mapping[Path, Path]) -> Any:
    """The chunk with the paths that its pictures have on a node."""

    def there(image: Image) -> Image:
        return replace(image, path=places.get(image.path, image.path)) if image.path else image

    if isinstance(chunk, ImageChunk):
        return ImageChunk(tuple(replace(job, image=there(job.image)) for job in chunk.jobs))
    return BatchChunk(tuple(replace(job, images=tuple(map(there, job.images))) for job in chunk.jobs))
