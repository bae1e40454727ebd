"""Jobs of a queue such as Slurm, each of which is one worker. One that ends, or is not taken, is asked for again."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

from lic_bench.errors import UserError
from lic_bench.run.cluster.cluster_option import EXTRA, QUEUES, ClusterChoice

ALONE = "machine"  # the Dask resource of a worker that has its machine for itself
AGAIN_S = 30.0  # until a job that the queue did not take is submitted again
Answers = SimpleQueue[str | None]  # of the queue to each job: None where it took it, else what it said


def submit_jobs(choice: ClusterChoice, answers: Answers, stack: ExitStack) -> str:
    """Submit the jobs, which end with the stack; the address of their scheduler. Raises UserError where none is taken.

    answers: gets those that come later too.
    """
    kind = _cluster_class(choice)
    try:
        cluster = stack.enter_context(kind(job_cls=_told(kind.job_cls, answers), **_arguments(choice)))
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"--cluster of kind {choice.kind}: {_in_words(error)}; see docs/cluster.md.") from None
    cluster.adapt(minimum_jobs=choice.workers, maximum_jobs=choice.workers)
    said: list[str | None] = []
    while None not in said and len(said) < choice.workers:
        said.append(answers.get())
    if None not in said:
        raise UserError(f"--cluster of kind {choice.kind}: no job was taken: {said[0]}; see docs/cluster.md.")
    for answer in said:
        answers.put(answer)
    return str(cluster.scheduler_address)


def _cluster_class(choice: ClusterChoice) -> Any:
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        import dask_jobqueue
    except ImportError:
        raise UserError(f"--cluster of kind {choice.kind}: dask-jobqueue is not installed. {EXTRA}") from None
    finally:
        signal.signal(signal.SIGINT, on_interrupt)  # its import has Ctrl-C end the process as if all were well
    return getattr(dask_jobqueue, QUEUES[choice.kind])


def _arguments(choice: ClusterChoice) -> dict[str, Any]:
    """As dask-jobqueue takes them."""
    directives: Any = [*choice.directives]
    if choice.kind == "slurm":
        directives += [f"--gres=gpu:{choice.gpus}"] if choice.gpus else []
        directives += ["--exclusive"] if choice.alone else []
    if choice.kind == "htcondor":
        directives = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in directives)}
    named = {"queue": choice.queue, "walltime": choice.time, "account": choice.account}
    named |= {"disk": choice.memory if choice.kind == "htcondor" else None}
    return {
        "job_name": "lic-bench",
        "cores": choice.cores,
        "processes": 1,
        "memory": choice.memory,
        "local_directory": choice.scratch or os.environ.get("TMPDIR", "/tmp"),
        "job_script_prologue": [f"export OMP_NUM_THREADS={choice.cores}", *choice.setup],
        "job_extra_directives": directives,
        "worker_extra_args": ["--memory-limit", "0", *(["--resources", f"{ALONE}=1"] if choice.alone else [])],
        "scheduler_options": {"dashboard": False},
        "silence_logs": logging.CRITICAL,
        **{name: value for name, value in named.items() if value is not None},
    }


def _told(job_cls: Any, answers: Answers) -> Any:
    """The class of jobs, which say how they were taken. Of one that raised, Dask would print that and ask no more."""
    from distributed import Status

    class Job(job_cls):  # type: ignore[misc]  # dask-jobqueue has no types
        async def start(self) -> None:
            try:
                await super().start()
                answers.put(None)
            except (OSError, RuntimeError, ValueError) as error:
                answers.put(_in_words(error))
                asyncio.get_running_loop().call_later(AGAIN_S, self._forget)
                self.status = Status.running

        async def close(self) -> None:
            await super().close()
            self.status = Status.closed

        def _forget(self) -> None:
            self.status = Status.closed
            if cluster := self._cluster():
                cluster.workers.pop(self.name, None)  # what is missing there is asked for

    return Job


def _in_words(error: Exception) -> str:
    """One line; of a program its last words, if it had some."""
    text = str(error)
    return " ".join((text.rpartition("stderr:")[2].strip() or text).split())[:300]
