"""One run from its options to its outcome: check, open the store, measure what it lacks, append each record at once."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from lic_bench.codecs.bitstream_cache import cache_trouble
from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset
from lic_bench.machine import core_affinity
from lic_bench.machine.environment_record import describe_environment, environment_fingerprint
from lic_bench.machine.machine_lock import hold_machine
from lic_bench.measurement.failures import CodecFailure
from lic_bench.run import counting, turn_client
from lic_bench.run.codec_process import CodecProcess
from lic_bench.run.codec_worker import CodecWorker
from lic_bench.run.encode_ahead import EncodeAhead, encoding_tasks
from lic_bench.run.image_turns import Hooks, ImageTurns
from lic_bench.run.jobs import Job
from lic_bench.run.machine_facts import busy_notes, own_fingerprint
from lic_bench.run.matched_jobs import matched_jobs, may_be_matched
from lic_bench.run.options import Options
from lic_bench.run.perceptual_turns import measure_perceptual, measured_here, turns_lacking
from lic_bench.run.preparation import Session, prepare_session
from lic_bench.run.process_pair import ProcessPair
from lic_bench.run.saved_images import save_coded
from lic_bench.run.settings import settings_of, setup_of
from lic_bench.run.throughput import batches_lacking, measure_batches
from lic_bench.run.worker_interface import CodecSetup, Worker
from lic_bench.spec import CodecSpec
from lic_bench.store.record_log import read_rows
from lic_bench.store.records import COSTS, Complexity, Record, Throughput
from lic_bench.store.run_folder import Store, check_run, set_aside
from lic_bench.system import stop_signals

Rows = Mapping[tuple[str | int, ...], Record]  # the last row of each key
OTHER_BYTES = "coded to other bytes than when the rest of its record was measured; measure it in a run of its own"


class Listener(Protocol):
    """Who watches a run."""

    def started(self, jobs: Sequence[Job], done: int) -> None:
        """`jobs` are to be done; `done` records were stored before."""

    def job(self, job: Job) -> None:
        """This job begins."""

    def record(self, job: Job, record: Record, seconds: float) -> None:
        """This job's record is stored; it took `seconds` in all."""

    def working(self, text: str) -> None:
        """What the workers of a cluster do now."""

    def note(self, text: str) -> None:
        """Something worth a line."""


class Silent:
    """A Listener that says nothing."""

    def started(self, jobs: Sequence[Job], done: int) -> None: ...

    def job(self, job: Job) -> None: ...

    def record(self, job: Job, record: Record, seconds: float) -> None: ...

    def working(self, text: str) -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(slots=True)
class Outcome:
    """How a run ended. stored: records of this time; failed: all that the run has in store, of earlier times too, and
    what was measured in vain for a record that stays as it was."""

    stored: int = 0
    failed: list[Record] = field(default_factory=list)
    failed_complexity: list[Complexity] = field(default_factory=list)
    failed_throughput: list[Throughput] = field(default_factory=list)


def run(options: Options, listener: Listener, show: Callable[[Sequence[Dataset]], None] = lambda _: None) -> Outcome:
    """Check the options, open the store, measure what it lacks. Raises UserError for bad input.

    show: is given the data sets before anything is measured.
    """
    session = prepare_session(options)
    show(session.datasets)
    return carry_out(session, options, listener)


def carry_out(session: Session, options: Options, listener: Listener) -> Outcome:
    """Open the store, measure what it lacks."""
    values = values_here(session)
    environment = values["environment"]
    if options.fresh:
        aside = set_aside(options.out)
        session.notes += [f"the run that was in {options.out} is now {aside}"] if aside else []
    if (options.out / "run.json").exists():
        check_growth(session, options, values)
    store = Store(options.out, values, allow=options.allow)
    with closing(store):
        for text in [*session.notes, *busy_notes(session, environment)]:
            listener.note(text)
        workers = options.jobs or environment["cores_usable"]
        outcome = _measure(session, options, store, listener, workers)
        measured = partial(measured_here, run=options.out, weights=session.metrics.files, workers=workers)
        grown, lacking = measure_perceptual(session, store.records, listener, environment["lic_bench"], measured)
        return replace(outcome, stored=outcome.stored + grown, failed=[*outcome.failed, *lacking])


def run_values(session: Session, environment: Mapping[str, Any], fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    """What run.json says of a run that begins now, on this machine; see machine.environment_record."""
    return {
        "config": asdict(session.config),
        "fingerprint": fingerprint,
        "environment": environment,
        "images": {f"{d.name}/{i.name}": i.sha256 for d in session.datasets for i in d.usable},
        "conversions": {image: how for d in session.datasets for image, how in d.conversions.items()},
        "warnings": [warning for d in session.datasets for warning in d.warnings],
    }


def _measure(session: Session, options: Options, store: Store, listener: Listener, programs: int) -> Outcome:
    """Measure the codecs that are in memory together, group by group. programs: how many encode ahead at a time."""
    outcome = Outcome()
    lacking = jobs_lacking(store.records.rows, session, session.jobs(), retry_failed=options.retry_failed)
    batches = batches_lacking(store.throughput.rows, session, retry_failed=options.retry_failed)
    parts = parts_lacking(store.records.rows, session, lacking) | ({"throughput"} if batches else set())
    timed = bool(COSTS & parts)
    with _machine(options, listener) if timed else nullcontext(lambda: None) as between_rounds:
        settings = settings_of(session, options, parts, timed=timed)
        for specs in [[spec] for spec in session.specs] if session.one_by_one else [session.specs]:
            setups = [setup_of(spec, session, settings) for spec in specs]
            with at_work(setups, isolate=session.config.isolate) as workers:
                jobs = _jobs(session, specs, store, options)
                lacking = jobs_lacking(store.records.rows, session, jobs, retry_failed=options.retry_failed)
                listener.started(lacking, len(jobs) - len(lacking))
                _get_ready(workers, {job.spec.name for job in lacking}, wait="latency" in settings.parts)
                tasks = {} if COSTS & settings.parts else encoding_tasks(lacking, settings.timeout_s)
                with core_affinity.keep_on_cores(settings.cores), closing(EncodeAhead(programs, tasks)) as ahead:
                    hooks = Hooks(
                        coded=partial(save_coded, run=options.out, kinds=settings.parts),
                        await_bitstream=ahead.wait,
                        job_begins=listener.job,
                        note=listener.note,
                        between_rounds=between_rounds,
                    )
                    turns = ImageTurns(workers, settings, hooks)
                    _store_records(lacking, turns, store, listener, outcome)
                    jobs += _store_matched(session, options, turns, store, listener, outcome)
                    of_specs = [job for job in batches if job.spec in specs]
                    measure_batches(of_specs, workers, settings, store.throughput, listener.note, between_rounds)
                for spec in specs:  # afterwards: a cold start must be the first thing that a process does
                    counting.count_at_sizes(spec, session, workers[spec.name], store, options, listener.note)
            failed = store.records.failed
            outcome.failed += [failed[job.key] for job in jobs if job.key in failed]
    if trouble := cache_trouble():
        listener.note(trouble)
    outcome.failed_complexity = list(store.complexity.failed.values())
    outcome.failed_throughput = list(store.throughput.failed.values())
    return outcome


def _store_records(jobs: Sequence[Job], turns: ImageTurns, store: Store, listener: Listener, outcome: Outcome) -> None:
    """Measure the jobs image by image. A failing codec becomes a failed record, unless the run has a good one."""
    for _, jobs_of_image in groupby(jobs, key=lambda job: (job.dataset, job.rung, job.image.name)):
        for result in turns.measure(list(jobs_of_image)):
            stop_signals.raise_again()  # it may be the signal that made the codec fail
            record = store_record(result.record, store, outcome)
            listener.record(result.job, record, result.seconds)


def store_record(record: Record, store: Store, outcome: Outcome) -> Record:
    """Append a record, or what it adds to a good one that the run has; the record as it is now, or as it failed."""
    earlier = store.records.rows.get(record.key)
    if earlier is None or earlier.status == "failed":
        record = store.records.append(record)
    elif record.status == "ok" and record.bitstream_sha256 == earlier.bitstream_sha256:
        record = store.records.append(earlier.joined_with(record))
    else:
        record = record if record.status == "failed" else record.as_failed(OTHER_BYTES)
        outcome.failed.append(record)
    outcome.stored += 1
    return record


def _store_matched(
    session: Session, options: Options, turns: ImageTurns, store: Store, listener: Listener, outcome: Outcome
) -> list[Job]:
    """Find the qualities that --match asks for and measure what the store lacks there; gives all these jobs."""
    jobs = matched_jobs(session, turns.workers, store.records.rows, listener.note)
    lacking = jobs_lacking(store.records.rows, session, jobs, retry_failed=options.retry_failed)
    if jobs:
        listener.started(lacking, len(jobs) - len(lacking))
    _store_records(lacking, turns, store, listener, outcome)
    return jobs


def jobs_lacking(rows: Rows, session: Session, jobs: Sequence[Job], *, retry_failed: bool) -> list[Job]:
    """The jobs that have no record yet, one without all that is to be measured, or a failed one to be tried again."""
    asked = session.parts_of_records()

    def lacks(job: Job) -> bool:
        row = rows.get(job.key)
        if row is None or row.status == "ok":
            return row is None or not asked <= set(row.parts)
        return retry_failed or row.image_sha256 != job.image.sha256  # the picture was repaired

    return [job for job in jobs if lacks(job)]


def stored_rows(folder: Path) -> Rows:
    """What the records of a run's folder hold; empty where there are none."""
    return {row.key: row for row in read_rows(folder / "records.jsonl", Record)}


def values_here(session: Session) -> dict[str, Any]:
    """What run.json says of a run that begins now on this machine."""
    environment = describe_environment(session.device)
    return run_values(session, environment, environment_fingerprint(environment) | own_fingerprint(session))


def check_growth(session: Session, options: Options, values: dict[str, Any]) -> None:
    """Raise UserError where this run may not go on with the one in its folder. Writes nothing.

    values: of `run_values`. What is measured now cannot join a record of another commit of lic-bench, which would then
    have two.
    """
    _, commit = check_run(options.out, values, options.allow)
    rows = stored_rows(options.out)
    lacking = jobs_lacking(rows, session, session.jobs(), retry_failed=options.retry_failed)
    joined = [row for job in lacking if (row := rows.get(job.key)) and row.status == "ok"]
    joined += may_be_matched(session, rows)
    joined += [rows[job.key] for turn in turns_lacking(rows, session) for job in turn.jobs]
    if any(row.commit != commit for row in joined):
        raise UserError(
            f"Records in {options.out} lack some of these measurements, which cannot join them at another commit of "
            "lic-bench; choose another --out: `lic-bench report` takes both runs."
        )


def parts_lacking(rows: Rows, session: Session, jobs: Sequence[Job]) -> frozenset[str]:
    """What is asked for and not all of these jobs have; with --match, whose jobs are not known yet, all of it."""
    asked = session.parts_of_records()
    stored = [set(row.parts) if (row := rows.get(job.key)) else set[str]() for job in jobs]
    lacking = asked if session.config.match else {part for parts in stored for part in asked - parts}
    return frozenset(lacking | ({"latency"} if "phases" in lacking else set()))


@contextmanager
def at_work(setups: Sequence[CodecSetup], *, isolate: bool) -> Iterator[dict[str, Worker]]:
    """codec -> its Worker, each in a process of its own if `isolate`, else all in this one."""
    workers: dict[str, Worker] = {}
    try:
        for setup in setups:
            workers[setup.spec.name] = _worker(setup, isolate=isolate)
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def _worker(setup: CodecSetup, *, isolate: bool) -> Worker:
    """Where codecs have processes and quality counts, the decoder has one of its own."""
    if not isolate:
        return CodecWorker(setup)
    return ProcessPair(setup) if "quality" in setup.parts else CodecProcess(setup)


def _get_ready(workers: Mapping[str, Worker], codecs: Collection[str], *, wait: bool) -> None:
    """Start all at once. wait: return when all are ready, as imports would disturb what is timed."""
    for name in codecs:
        workers[name].open()
    for name in codecs if wait else ():
        with suppress(CodecFailure):  # the first image will say it
            workers[name].ready()


def _jobs(session: Session, specs: Sequence[CodecSpec], store: Store, options: Options) -> list[Job]:
    """The jobs of these codecs, without new ones on images larger than one for which memory ran out before."""
    jobs = [job for job in session.jobs() if job.spec in specs]
    if not session.one_by_one or options.retry_failed:
        return jobs
    limits = [row for row in store.records.failed.values() if row.failure == "out_of_memory"]
    return [job for job in jobs if job.key in store.records.rows or not _is_beyond(job, limits)]


def _is_beyond(job: Job, limits: Sequence[Record]) -> bool:
    size = (job.image.width or 0) * (job.image.height or 0)
    return any(row.codec == job.spec.name and row.width * row.height < size for row in limits)


@contextmanager
def _machine(options: Options, listener: Listener) -> Iterator[Callable[[], None]]:
    """Hold the machine for this run alone, or in turn with another; yields what to do between two rounds."""
    if turn_client.is_asked():
        with turn_client.in_turn(options.out.name) as pass_on:
            yield pass_on
    else:
        with hold_machine(listener.note):
            yield lambda: None
