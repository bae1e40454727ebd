"""The perceptual part of a run: when all coding and timing is over, each original beside the picture that was saved."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Protocol, TypeAlias

import torch

from lic_bench.errors import UserError
from lic_bench.images.image_file import read_image, read_pixels
from lic_bench.measurement.failures import Failure
from lic_bench.measurement.perceptual.colour import Pixels
from lic_bench.measurement.perceptual.measuring import Score, measure_pair
from lic_bench.measurement.perceptual.registry import find_metrics
from lic_bench.run.encode_ahead import close_pool
from lic_bench.run.jobs import Job
from lic_bench.run.matched_jobs import matched_codecs
from lic_bench.run.preparation import Session
from lic_bench.store.record_log import RecordLog
from lic_bench.store.records import Record
from lic_bench.store.saved_files import picture_hash, saved_path

Rows = Mapping[tuple[str | int, ...], Record]
Scores = dict[str, Score]
OWN = "lic-bench"  # how the line of an implementation begins that is ours


class Watcher(Protocol):
    """Who watches, of a run's Listener."""

    def started(self, jobs: Sequence[Job], done: int) -> None: ...
    def job(self, job: Job) -> None: ...
    def record(self, job: Job, record: Record, seconds: float) -> None: ...
    def note(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One saved picture, and the jobs by which it was decoded. names: the metrics that their records lack."""

    picture: str
    names: tuple[str, ...]
    jobs: list[Job]


Measured: TypeAlias = Callable[[Sequence[Turn]], Iterator[tuple[Turn, Scores, str]]]  # as `measured_here`


def turns_lacking(rows: Rows, session: Session) -> list[Turn]:
    """The saved pictures of the session's jobs whose records lack metrics that it is to measure.

    A picture that several codecs decoded from one original to the same pixels has one turn.
    """
    turns: dict[tuple[str, ...], Turn] = {}
    for job in _jobs(rows, session):
        row = rows.get(job.key)
        if row is None or row.status != "ok" or row.saved_picture is None:
            continue
        if names := tuple(name for name in session.metrics.by if name not in row.perceptual):
            key = (job.dataset, job.image.name, row.saved_picture, *names)
            turns.setdefault(key, Turn(row.saved_picture, names, [])).jobs.append(job)
    return list(turns.values())


def measure_perceptual(
    session: Session, records: RecordLog[Record], watcher: Watcher, version: str | None, measured: Measured
) -> tuple[int, list[Record]]:
    """Measure what the records lack and store each picture's scores as soon as they are known.

    version: of lic-bench. Returns how many records grew, and a failed record for each that did not, or not by all.
    """
    turns = turns_lacking(records.rows, session)
    if not turns:
        return 0, []
    jobs = [job for turn in turns for job in turn.jobs]
    by = {name: _with_version(said, version) for name, said in session.metrics.by.items()}
    watcher.note(f"perceptual metrics ({', '.join(by)}): {len(jobs)} pictures")
    watcher.started(jobs, 0)
    stored, failed, without = 0, list[Record](), Counter[str]()
    began = before = monotonic()
    for turn, scores, error in measured(turns):
        now, seconds = monotonic(), (monotonic() - before) / len(turn.jobs)
        without.update(f"{name} has no value: {s.problem}" for name, s in scores.items() if s.problem and not s.failed)
        for job in turn.jobs:
            record = records.rows[job.key]
            if good := {name: score.value for name, score in scores.items() if not score.failed}:
                record = records.append(record.with_perceptual(good, {name: by[name] for name in good}))
                stored += 1
            if error:
                record = record.as_failed(f"no perceptual metrics: {error}")
                failed.append(record)
            watcher.record(job, record, seconds)
        before = now
    for text, count in without.items():
        watcher.note(f"{text} ({count} pictures)")
    watcher.note(_summary(len(by), len(turns), len(jobs), monotonic() - began))
    return stored, failed


def _summary(metrics: int, different: int, pictures: int, seconds: float) -> str:
    alike = "" if different == pictures else f", {pictures - different} of them as others"
    return (
        f"perceptual metrics: {metrics} metrics of {pictures} pictures{alike}, in {seconds:.1f} s, "
        f"{seconds / different:.2f} s a picture"
    )


def _jobs(rows: Rows, session: Session) -> Iterator[Job]:
    """The session's jobs, and those of stored records that --match may have found."""
    jobs = session.jobs()
    yield from jobs
    known, searching = {job.key for job in jobs}, {spec.name: spec for spec in matched_codecs(session)}
    images = {(dataset.name, image.name): image for dataset in session.datasets for image in dataset.usable}
    for key, row in rows.items():
        if row.codec in searching and key not in known and (row.dataset, row.image) in images:
            yield Job(searching[row.codec], row.quality, row.dataset, images[row.dataset, row.image])


def measured_here(
    turns: Sequence[Turn], *, run: Path, weights: Mapping[str, Path], workers: int
) -> Iterator[tuple[Turn, Scores, str]]:
    """Each turn with its scores, and with what prevented some or all of them, as they are done, `workers` at a time."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="perceptual")
    try:
        with _one_thread_each(workers):
            futures: dict[Future[Scores], Turn] = {pool.submit(_scores, turn, run, weights): turn for turn in turns}
            for future in as_completed(futures):
                error = future.exception()
                if error is None:
                    scores = future.result()
                    yield futures[future], scores, problem_in(scores)
                elif isinstance(error, Exception):
                    yield futures[future], {}, Failure.of(error).message
                else:
                    raise error
    finally:
        close_pool(pool)


@contextmanager
def _one_thread_each(workers: int) -> Iterator[None]:
    """While several pictures are measured at a time torch has one thread for each."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if workers > 1 else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def problem_in(scores: Scores) -> str:
    """What prevented the first of the metrics that failed; "" where none did."""
    return next((f"{name}: {score.problem}" for name, score in scores.items() if score.failed), "")


def scores_of(
    pair: tuple[Callable[[], Pixels], Callable[[], Pixels]], names: Sequence[str], weights: Mapping[str, Path]
) -> Scores:
    """The metrics of these names. pair: what reads the original and what reads the decoded picture."""
    return measure_pair(pair, find_metrics(names), weights)


def _scores(turn: Turn, run: Path, weights: Mapping[str, Path]) -> Scores:
    picture = saved_path(run, "pictures", turn.picture)
    return scores_of((partial(read_image, turn.jobs[0].image), partial(saved_pixels, picture)), turn.names, weights)


def saved_pixels(path: Path) -> Pixels:
    """Of a picture that a run saved. Raises UserError where the file is gone or holds another picture."""
    pixels = read_pixels(path)
    if picture_hash(pixels.shape[0], pixels.shape[1], pixels.tobytes()) != path.stem:
        raise UserError(f"{path} is not the picture that the run saved; `lic-bench run --fresh` makes it again.")
    return pixels


def _with_version(said: str, version: str | None) -> str:
    """What an implementation says of itself; of ours with the version of lic-bench."""
    return f"{OWN} {version}{said.removeprefix(OWN)}" if version and said.startswith(OWN) else said
