"""Encoding ahead of the run, several images at a time, by programs that take minutes."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import cast

import torch

from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.pixels import to_tensor
from lic_bench.codecs.program_codec import ProgramCodec
from lic_bench.images.image_file import read_image
from lic_bench.run.jobs import Job
from lic_bench.run.worker_interface import timeout_of
from lic_bench.system.programs import stop_programs

Tasks = Mapping[Hashable, Callable[[], object]]


class EncodeAhead:
    """Runs tasks in threads, in their order, from the first wait on. Threads suffice: each waits for a program."""

    def __init__(self, workers: int, tasks: Tasks) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="ahead")  # no thread yet: nothing to close
        self._tasks = tasks
        self._futures: dict[Hashable, Future[object]] = {}

    def wait(self, key: Hashable) -> None:
        """Return when the task `key` is done, at once where there is none. Raises what the task raised."""
        if not self._futures:
            self._futures = {name: self._pool.submit(task) for name, task in self._tasks.items()}
        if key in self._futures:
            self._futures[key].result()

    def close(self) -> None:
        """As `close_pool`."""
        close_pool(self._pool)


def close_pool(pool: ThreadPoolExecutor) -> None:
    """Leave out what has not begun, end the programs of what has, and return when all threads are done."""
    end = Thread(target=pool.shutdown, kwargs={"cancel_futures": True})
    end.start()
    while end.is_alive():
        stop_programs()  # again and again: a thread may just have started one
        end.join(0.1)


def encoding_tasks(jobs: Sequence[Job], timeout_s: float | None) -> Tasks:
    """Key -> task, for the jobs whose codec is another program. timeout_s: None for the default."""
    return {job.key: partial(_encode, job, timeout_of(job.spec, timeout_s)) for job in jobs if job.spec.programs}


def _encode(job: Job, timeout_s: float) -> None:
    """Put the job's bitstream into the cache, where the measuring finds it."""
    codec = cast(ProgramCodec, load_codec(job.spec, job.quality, None, torch.device("cpu")).codec)
    codec.reads_cache, codec.timeout_s = True, timeout_s
    codec.compress(to_tensor(read_image(job.image)))
