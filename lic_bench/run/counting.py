"""Counting a codec's operations at the sizes of a session, and storing what its counters gave."""

from collections.abc import Callable, Collection, Sequence

from lic_bench.measurement.complexity import ALL_COUNTS, OF_DECODE_ONLY, CounterPath, failed_complexity
from lic_bench.measurement.failures import Failure
from lic_bench.run.options import Options
from lic_bench.run.preparation import Session
from lic_bench.run.worker_interface import Worker
from lic_bench.spec import CodecSpec
from lic_bench.store.record_log import RecordLog
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Store
from lic_bench.system import stop_signals


def count_at_sizes(
    spec: CodecSpec, session: Session, worker: Worker, store: Store, options: Options, note: Callable[[str], None]
) -> None:
    """Count at every size of the session; where it looks for limits, only below that of the codec.

    A network at one quality; a decode-only codec at all of them, as each has bitstreams of its own.
    """
    log, ladder = store.complexity, session.config.qualities[spec.name]
    counts = OF_DECODE_ONLY if spec.streams else ALL_COUNTS
    for height, width in session.counted.get(spec.name, ()):
        failed: list[Record | Complexity] = [*store.records.failed.values(), *log.failed.values()]
        limits = [r.height * r.width for r in failed if r.codec == spec.name and r.failure == "out_of_memory"]
        if session.one_by_one and any(limit <= height * width for limit in limits) and not options.retry_failed:
            return
        counted = {row.quality for row in log.rows.values() if row.codec == spec.name}
        one = next((quality for quality in ladder if quality in counted), ladder[0])
        qualities = ladder if spec.streams else (one,)
        keys = {(spec.name, q, counter, path, height, width) for q in qualities for counter, path in counts}
        lacking = keys - log.rows.keys() | (keys & log.failed.keys() if options.retry_failed else set())
        if lacking:
            note(f"{spec.name}: counting operations at {width} x {height}")
        for quality in sorted({key[1] for key in lacking}):
            _store(_count(worker, spec.name, quality, (height, width), counts), lacking, log, note)


def _store(
    rows: Sequence[Complexity], lacking: Collection[object], log: RecordLog[Complexity], note: Callable[[str], None]
) -> None:
    stop_signals.raise_again()  # it may be the signal that made the codec fail
    for row in rows:
        if row.key in lacking:
            stored = log.append(row)
            if stored.status == "failed":
                note(f"FAILED {stored.codec}: {stored.counter}, {stored.path}: {stored.error}")


def _count(
    worker: Worker, codec: str, quality: int, size: tuple[int, int], counts: Sequence[CounterPath]
) -> list[Complexity]:
    try:
        return worker.count_operations(quality, size)
    except Exception as error:
        return failed_complexity(codec, quality, *size, Failure.of(error), counts)
