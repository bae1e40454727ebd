"""Counting a codec's operations at the sizes of a session, and storing what its counters gave."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from lic_bench.measurement.complexity import ALL_COUNTS, OF_DECODE_ONLY, CounterPath, failed_complexity
from lic_bench.measurement.failures import Failure
from lic_bench.run.options import Options
from lic_bench.run.preparation import Session
from lic_bench.run.worker_interface import Worker
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Store
from lic_bench.system import stop_signals

Key: TypeAlias = tuple[str | int, ...]  # of a Complexity


def count_at_sizes(
    spec: CodecSpec, session: Session, worker: Worker, store: Store, options: Options, note: Callable[[str], None]
) -> None:
    """Count at every size of the session; where it looks for limits, only below that of the codec."""
    for quality, size, lacking in counts_lacking(spec, session, store, options):
        note(f"{spec.name}: counting operations at {size[1]} x {size[0]}")
        rows = count(worker, spec, quality, size)
        stop_signals.raise_again()  # it may be the signal that made the codec fail
        store_counts([row for row in rows if row.key in lacking], store, note)


def counts_lacking(
    spec: CodecSpec, session: Session, store: Store, options: Options
) -> Iterator[tuple[int, tuple[int, int], set[Key]]]:
    """Quality, size (height, width) and the keys of the rows that the store lacks there, as it is when asked for.

    A network has them at one quality; a decode-only codec at all of them, as each has bitstreams of its own.
    """
    log, ladder = store.complexity, session.config.qualities[spec.name]
    for height, width in session.counted.get(spec.name, ()):
        failed: list[Record | Complexity] = [*store.records.failed.values(), *log.failed.values()]
        limits = [r.height * r.width for r in failed if r.codec == spec.name and r.failure == "out_of_memory"]
        if session.one_by_one and any(limit <= height * width for limit in limits) and not options.retry_failed:
            return
        counted = {row.quality for row in log.rows.values() if row.codec == spec.name}
        one = next((quality for quality in ladder if quality in counted), ladder[0])
        for quality in ladder if spec.streams else (one,):
            keys: set[Key] = {(spec.name, quality, *counter, height, width) for counter in _counters(spec)}
            lacking = keys - log.rows.keys() | (keys & log.failed.keys() if options.retry_failed else set())
            if lacking:
                yield quality, (height, width), lacking


def count(worker: Worker, spec: CodecSpec, quality: int, size: tuple[int, int]) -> list[Complexity]:
    """The rows of all counters at (height, width), failed ones if the codec fails."""
    try:
        return worker.count_operations(quality, size)
    except Exception as error:
        return failed_counts(spec, quality, size, Failure.of(error))


def failed_counts(spec: CodecSpec, quality: int, size: tuple[int, int], failure: Failure) -> list[Complexity]:
    """The rows of all counters, all failed."""
    return failed_complexity(spec.name, quality, *size, failure, _counters(spec))


def store_counts(rows: Sequence[Complexity], store: Store, note: Callable[[str], None]) -> None:
    """Append rows, and say which are failed."""
    for row in rows:
        stored = store.complexity.append(row)
        if stored.status == "failed":
            note(f"FAILED {stored.codec}: {stored.counter}, {stored.path}: {stored.error}")


def _counters(spec: CodecSpec) -> Sequence[CounterPath]:
    return OF_DECODE_ONLY if spec.streams else ALL_COUNTS
