"""`lic-bench run --cluster`: the same checks, store and records as any run; the measuring is done by workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from socket import gethostname
from typing import Any
from uuid import uuid4

import torch

from lic_bench.codecs.checkpoints import checkpoint_folders, sha256_of
from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset, data_folders
from lic_bench.machine.environment_record import describe_environment, environment_fingerprint
from lic_bench.measurement.failures import Failure
from lic_bench.run.cluster.chunks import (
    Answer,
    BatchChunk,
    Chunk,
    CountChunk,
    ImageChunk,
    NodeFile,
    Orders,
    PerceptualChunk,
    batch_chunks,
    image_chunks,
)
from lic_bench.run.cluster.cluster_option import ClusterChoice, device_there, read_cluster
from lic_bench.run.cluster.connection import connected
from lic_bench.run.cluster.crew import Crew, Facts
from lic_bench.run.cluster.dispatcher import Dispatcher, Done, Lost
from lic_bench.run.counting import counts_lacking, failed_counts, store_counts
from lic_bench.run.job_result import JobResult
from lic_bench.run.machine_facts import own_fingerprint
from lic_bench.run.options import Options
from lic_bench.run.perceptual_turns import Scores, Turn, measure_perceptual, problem_in, turns_lacking
from lic_bench.run.preparation import Session, prepare_session
from lic_bench.run.session import (
    Listener,
    Outcome,
    check_growth,
    jobs_lacking,
    parts_lacking,
    run_values,
    store_record,
    stored_rows,
)
from lic_bench.run.settings import device_of
from lic_bench.run.throughput import batches_lacking, stored_batches
from lic_bench.store.records import COSTS, Throughput
from lic_bench.store.run_folder import Store, check_run, set_aside
from lic_bench.store.run_json import read_run_json
from lic_bench.store.saved_files import save, saved_path
from lic_bench.system import stop_signals


def run(options: Options, listener: Listener, show: Callable[[Sequence[Dataset]], None] = lambda _: None) -> Outcome:
    """As `run.session.run`, at the workers of options.cluster. Raises UserError for bad input, and where none comes."""
    choice = read_cluster(options.cluster or "")
    options = replace(options, threads=options.threads or choice.cores)
    session = prepare_session(options, device=device_there(choice, options.device))
    check_session(session, options, choice)
    show(session.datasets)
    for text in session.notes:
        listener.note(text)
    here, stored = _described_here(session), _stored_run(options)
    orders = _orders(session, options, choice)
    with ExitStack() as stack:
        begin = partial(_crew, stack, choice, orders, here, listener, stored)
        if stored is None and not options.fresh:
            check_run(options.out, {}, ())  # before anything is waited for
        crew = begin(None) if stored is None else None
        first = crew.wait_for_first() if crew else None
        kind = _kind_of_run(session, here, stored, first)
        values = run_values(session, kind.environment, kind.fingerprint)
        if stored is not None:
            check_growth(session, options, values)
        if options.fresh and (aside := set_aside(options.out)):
            listener.note(f"the run that was in {options.out} is now {aside}")
        store = stack.enter_context(closing(Store(options.out, values, allow=options.allow)))
        open_run = ClusterRun(session, options, store, listener)
        if open_run.lacks_something():
            open_run.measure(crew or begin(kind if orders.timed else None))
        else:
            listener.started([], len(session.jobs()))
        return open_run.outcome()


def values_expected(session: Session, options: Options) -> dict[str, Any]:
    """What run.json would say, as far as it is known before anybody is asked."""
    kind = _kind_of_run(session, _described_here(session), _stored_run(options), None)
    return run_values(session, kind.environment, kind.fingerprint)


def _stored_run(options: Options) -> dict[str, Any] | None:
    """run.json of the run that is gone on with; None where a new one begins."""
    path = options.out / "run.json"
    return None if options.fresh or not path.exists() else read_run_json(path)


def _described_here(session: Session) -> Facts:
    """This machine, which owns the store; of a GPU that it need not have there is nothing."""
    environment = describe_environment(torch.device("cpu"))
    own = own_fingerprint(session, kernels=session.device.type == "cpu")
    return Facts(environment, environment_fingerprint(environment) | own)


def _kind_of_run(session: Session, here: Facts, stored: Mapping[str, Any] | None, first: Facts | None) -> Facts:
    """Whose kind of machine the run is of. stored: its run.json. first: of the first worker, if it is new.

    Where no times are taken it is this machine. Else it is what run.json says, but for programs and kernels, which grow
    with the codecs.
    """
    if not COSTS & {*session.config.measure}:
        return here
    if stored is None and first is not None:
        return first
    own = {name: here.fingerprint[name] for name in ("programs", "kernels")}
    stored = stored or {}
    return Facts(stored.get("environment") or {}, {**(stored.get("fingerprint") or {}), **own})


def _crew(
    stack: ExitStack,
    choice: ClusterChoice,
    orders: Orders,
    here: Facts,
    listener: Listener,
    stored: Mapping[str, Any] | None,
    kind: Facts | None,
) -> Crew:
    connection = stack.enter_context(connected(choice, listener.note))
    return Crew(
        connection, orders, here, listener.note, choice.waits_s, kind, facts=dict((stored or {}).get("workers") or {})
    )


def check_session(session: Session, options: Options, choice: ClusterChoice) -> None:
    """Raise UserError for what cannot be done on a cluster."""
    if session.config.match:
        raise UserError(
            "--match searches picture by picture, on one machine: leave out --cluster, the same --out goes on."
        )
    if options.jobs:
        raise UserError(f"--jobs {options.jobs}: a worker codes one image at a time; start more workers.")
    if COSTS & {*session.config.measure} and not session.config.isolate:
        raise UserError("--no-isolate: on a cluster times are taken of codecs in processes of their own; leave it out.")
    if COSTS & _parts(session, options) and choice.kind != "address" and not choice.alone:
        raise UserError(
            f"--cluster {options.cluster}: times, memory and throughput are taken by workers that are alone on their "
            "machine: local:1, or alone = true in the file; else --measure quality."
        )


def _orders(session: Session, options: Options, choice: ClusterChoice) -> Orders:
    parts = _parts(session, options)
    roots = data_folders(options.data_root) if choice.images else []
    folders = [(root, Path(choice.images or "")) for root in roots]
    roots = checkpoint_folders(options.checkpoints) if choice.weights else []
    folders += [(root, Path(choice.weights or "")) for root in roots]
    return Orders(
        run=uuid4().hex,
        folder=f"{gethostname()}:{options.out.resolve()}",
        session=replace(session, datasets=[]),
        options=options,
        parts=parts,
        timed=bool(COSTS & parts),
        files=[NodeFile(path, sha256_of(path), path.stat().st_size) for path in _paths(session)],
        folders=folders,
        scratch=Path(choice.scratch) if choice.scratch else None,
    )


def _parts(session: Session, options: Options) -> frozenset[str]:
    """What is to be measured that the run in its folder lacks."""
    retry = options.retry_failed
    rows = {} if options.fresh else stored_rows(options.out)
    batches = {} if options.fresh else stored_batches(options.out)
    parts = parts_lacking(rows, session, jobs_lacking(rows, session, session.jobs(), retry_failed=retry))
    return parts | ({"throughput"} if batches_lacking(batches, session, retry_failed=retry) else frozenset())


def _paths(session: Session) -> Iterator[Path]:
    """Of all files that workers read."""
    images = (image.path for dataset in session.datasets for image in dataset.usable)
    weights = (path for of_codec in session.files.values() for path in of_codec.values())
    streams = (path for of_codec in session.streams.values() for of in of_codec.values() for path in of.values())
    yield from dict.fromkeys(path for path in (*images, *weights, *streams, *session.metrics.files.values()) if path)


class ClusterRun:
    """An open run whose chunks a crew does."""

    def __init__(self, session: Session, options: Options, store: Store, listener: Listener) -> None:
        self.session = session
        self.options = options
        self.store = store
        self.listener = listener
        self._outcome = Outcome()
        self._chunks = self._lacking()
        self._said: set[str] = set()  # notes and names of workers

    def lacks_something(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._chunks or turns_lacking(self.store.records.rows, self.session))

    def measure(self, crew: Crew) -> None:
        """All that the store lacks; then, of what was saved, the perceptual metrics."""
        try:
            self._measure(crew)
        finally:
            crew.stop()

    def _measure(self, crew: Crew) -> None:
        dispatcher = Dispatcher(crew, self.listener)
        jobs = [job for chunk in self._chunks if isinstance(chunk, ImageChunk) for job in chunk.jobs]
        self.listener.started(jobs, len(self.session.jobs()) - len(jobs))
        for done in dispatcher.carry_out(self._chunks):
            self._store(done, crew)
        version = crew.here.environment["lic_bench"]
        measured = partial(self._scored, dispatcher)
        grown, without = measure_perceptual(self.session, self.store.records, self.listener, version, measured)
        self._outcome.stored += grown
        self._outcome.failed += without

    def outcome(self) -> Outcome:
        """How it ended."""
        failed = self.store.records.failed
        self._outcome.failed[:0] = [failed[job.key] for job in self.session.jobs() if job.key in failed]
        self._outcome.failed_complexity = list(self.store.complexity.failed.values())
        self._outcome.failed_throughput = list(self.store.throughput.failed.values())
        return self._outcome

    def _lacking(self) -> list[Chunk]:
        """The chunks of what the store lacks, but for perceptual metrics."""
        session, retry = self.session, self.options.retry_failed
        jobs = jobs_lacking(self.store.records.rows, session, session.jobs(), retry_failed=retry)
        timed = bool(COSTS & parts_lacking(self.store.records.rows, session, jobs))
        counts = (
            CountChunk(spec, quality, size)
            for spec in session.specs
            for quality, size, _ in counts_lacking(spec, session, self.store, self.options)
        )
        batches = batches_lacking(self.store.throughput.rows, session, retry_failed=retry)
        return [*image_chunks(jobs, timed=timed), *counts, *batch_chunks(batches)]

    def _store(self, done: Done | Lost, crew: Crew) -> None:
        """Append what came of a chunk; of one that was given up, failed rows."""
        answer, worker = (done.answer, done.worker) if isinstance(done, Done) else (self._failed(done), None)
        stop_signals.raise_again()  # where other people's code swallowed it
        if worker and worker not in self._said:
            self.store.note_workers({worker: crew.facts[worker]})
        for text in dict.fromkeys(answer.notes):
            if text not in self._said:
                self.listener.note(text)
        self._said |= {*answer.notes, *([worker] if worker else [])}
        for kind, content, data in answer.saved:
            save(self.options.out, kind, content, data)
        jobs = {job.key: job for job in done.chunk.jobs} if isinstance(done.chunk, ImageChunk) else {}
        for record, seconds in answer.records:
            stored = store_record(replace(record, worker=worker), self.store, self._outcome)
            self.listener.record(jobs[record.key], stored, seconds / max(1, len(crew.members)))
        if isinstance(done.chunk, CountChunk):
            lacking = counts_lacking(done.chunk.spec, self.session, self.store, self.options)
            keys = {key for _, _, of_size in lacking for key in of_size}
            store_counts([row for row in answer.counts if row.key in keys], self.store, self.listener.note)
        for batch in answer.batches:
            self.store.throughput.append(replace(batch, worker=worker))

    def _failed(self, lost: Lost) -> Answer:
        """The failed rows of a chunk that was given up."""
        failure, chunk = Failure("crash", lost.reason), lost.chunk
        if isinstance(chunk, ImageChunk):
            results = [JobResult.begun(job, device_of(job.spec, self.session), ()) for job in chunk.jobs]
            for result in results:
                result.failure = failure
            return Answer(records=[(result.record, 0.0) for result in results])
        if isinstance(chunk, CountChunk):
            return Answer(counts=failed_counts(chunk.spec, chunk.quality, chunk.size, failure))
        batches = chunk.jobs if isinstance(chunk, BatchChunk) else ()
        rows = [Throughput(**job.fields(device_of(job.spec, self.session)), status="failed") for job in batches]
        return Answer(batches=[row.as_failed(failure.message, failure.kind) for row in rows])

    def _scored(self, dispatcher: Dispatcher, turns: Sequence[Turn]) -> Iterator[tuple[Turn, Scores, str]]:
        """As `perceptual_turns.measured_here`; the pictures are read as their turns come."""
        for done in dispatcher.carry_out(self._perceptual(turns)):
            if isinstance(done.chunk, PerceptualChunk):
                answer = done.answer if isinstance(done, Done) else Answer(problem=done.reason)
                yield done.chunk.turn, answer.scores, answer.problem or problem_in(answer.scores)

    def _perceptual(self, turns: Sequence[Turn]) -> list[Chunk]:
        return [PerceptualChunk(turn, saved_path(self.options.out, "pictures", turn.picture)) for turn in turns]
