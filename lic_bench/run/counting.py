"""Counting a learned codec's operations at the sizes of a session, and storing what its counters gave."""

from collections.abc import Callable

from lic_bench.measurement.complexity import ALL_COUNTS, failed_complexity
from lic_bench.measurement.failures import Failure
from lic_bench.run.options import Options
from lic_bench.run.preparation import Session
from lic_bench.run.worker_interface import Worker
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Store


def count_at_sizes(
    spec: CodecSpec, session: Session, worker: Worker, store: Store, options: Options, note: Callable[[str], None]
) -> None:
    """At every size of the session; in one that looks for limits only below the codec's."""
    quality = session.config.qualities[spec.name][0]
    for height, width in session.counted.get(spec.name, ()) if spec.kind == "learned" else ():
        rows: list[Record | Complexity] = [*store.records.failed.values(), *store.complexity.failed.values()]
        limits = [r.height * r.width for r in rows if r.codec == spec.name and r.failure == "out_of_memory"]
        if session.one_by_one and any(limit <= height * width for limit in limits) and not options.retry_failed:
            return
        _count(spec, quality, (height, width), worker, store, note, retry_failed=options.retry_failed)


def _count(
    spec: CodecSpec,
    quality: int,
    size: tuple[int, int],
    worker: Worker,
    store: Store,
    note: Callable[[str], None],
    *,
    retry_failed: bool,
) -> None:
    """At size (height, width), by the counters that have nothing stored."""
    log = store.complexity
    keys = {(spec.name, quality, counter, path, *size) for counter, path in ALL_COUNTS}
    lacking = keys - log.keys | (keys & log.failed.keys() if retry_failed else set())
    if not lacking:
        return
    note(f"{spec.name}: counting operations at {size[1]} x {size[0]}")
    try:
        rows = worker.count_operations(quality, size)
    except Exception as error:
        rows = failed_complexity(spec.name, quality, *size, Failure.of(error))
    for row in rows:
        if row.key in lacking:
            log.append(row)
            if row.status == "failed":
                note(f"FAILED {spec.name}: {row.counter}, {row.path}: {row.error}")
