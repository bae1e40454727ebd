"""Work that is done ahead of the run, several pieces at a time: the encoding by programs that take minutes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread

from lic_bench.system.programs import stop_programs


class Ahead:
    """Runs tasks in threads, in their order, from the first wait on. Threads suffice: each waits for a program."""

    def __init__(self, workers: int, tasks: Mapping[Hashable, Callable[[], object]]) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="ahead")  # no thread yet: nothing to close
        self._tasks = tasks
        self._futures: dict[Hashable, Future[object]] = {}

    def wait(self, key: Hashable) -> None:
        """Return when the task `key` is done, at once where there is none. Raises what the task raised."""
        if not self._futures:
            for name, task in self._tasks.items():
                self._futures[name] = self._pool.submit(task)
        if key in self._futures:
            self._futures[key].result()

    def close(self) -> None:
        """Leave out what has not begun, end the programs of what has, and return when all threads are done."""
        end = Thread(target=self._pool.shutdown, kwargs={"cancel_futures": True})
        end.start()
        while end.is_alive():
            stop_programs()  # again and again: a thread may just have started one
            end.join(0.1)
