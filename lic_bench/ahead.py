"""Work that is done ahead of the run, several pieces at a time: the encoding by programs that take minutes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from lic_bench.programs import stop_programs


class Ahead:
    """Runs tasks in threads, in their order. Threads suffice: each waits for a program of its own."""

    def __init__(self, workers: int, tasks: Mapping[Hashable, Callable[[], object]]) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="ahead")
        self._futures: dict[Hashable, Future[object]] = {key: self._pool.submit(task) for key, task in tasks.items()}

    def wait(self, key: Hashable) -> None:
        """Return when the task `key` is done, at once where there is none. Raises what the task raised."""
        if key in self._futures:
            self._futures[key].result()

    def close(self) -> None:
        """Leave out what has not begun and end the programs of what has."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        left = {future for future in self._futures.values() if not future.done()}
        while left:
            stop_programs()  # again and again: a thread may just have started one
            left = wait(left, timeout=0.1).not_done
