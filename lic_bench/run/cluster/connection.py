"""Dask's client to a cluster, and the cluster itself where the run starts it: on this machine, or by a queue's jobs."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import torch

from lic_bench.errors import UserError
from lic_bench.run.cluster import entry
from lic_bench.run.cluster.cluster_option import EXTRA, ClusterChoice
from lic_bench.run.cluster.queue_jobs import ALONE, Answers, submit_jobs

if TYPE_CHECKING:
    from distributed import Client, Future

FETCH_S = 120.0  # for an answer that is ready; a worker may be lost in between
CONNECT_S = 10
# Dask would look a hundred times a second what a worker does, and pause or restart it by its memory.
SETTINGS = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.comm.timeouts.connect": f"{CONNECT_S}s",
}


class Connection:
    """A client that can be made anew when the scheduler is gone and comes back."""

    def __init__(self, address: str, answers: Answers) -> None:
        self.address = address
        self.answers = answers
        self.client = _client(address)

    def check(self) -> None:
        """Raise OSError where the scheduler was lost."""
        if self.client.status != "running":
            raise OSError("the scheduler is gone")

    def workers(self) -> Mapping[str, Mapping[str, Any]]:
        """address -> what the scheduler knows of a worker. Raises OSError where the scheduler does not answer."""
        self.check()
        info: dict[str, Any] = self.client.scheduler_info(n_workers=-1)
        return dict(info["workers"])

    def refusals(self) -> Iterator[str]:
        """What the queue said of jobs that it did not take, since this was asked last."""
        while not self.answers.empty():
            if said := self.answers.get():
                yield said

    def send(self, data: bytes, address: str) -> Future:
        """Bring data to a worker. Raises KeyError where that is gone."""
        return self.client.scatter(data, workers=[address], hash=False)

    def submit(self, name: str, *arguments: object, more: Sequence[Future] = (), at: str) -> Future:
        """A call of a function of `bench` at one worker and nowhere else. more: futures of further arguments."""
        what = entry.call, name, pickle.dumps(arguments), *more
        return self.client.submit(*what, workers=[at], allow_other_workers=False, pure=False)

    def tell(self, function: Callable[..., object], *arguments: object, at: Sequence[str], wait: bool = True) -> None:
        """Call a function at workers, whatever else these do. Whoever is gone is not told."""
        with suppress(Exception):
            self.check()
            self.client.run(function, *arguments, workers=list(at), on_error="ignore", wait=wait)

    def cancel(self, futures: Sequence[Future]) -> None:
        """Take back what was submitted."""
        with suppress(Exception):
            self.client.cancel(list(futures))

    def again(self) -> bool:
        """Try to connect anew; whether that worked."""
        with suppress(Exception):
            self.client.close(timeout=1)
        try:
            self.client = _client(self.address)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Disconnect; the scheduler forgets what was asked of it."""
        with suppress(Exception):
            self.client.close(timeout=5)


@contextmanager
def connected(choice: ClusterChoice, note: Callable[[str], None]) -> Iterator[Connection]:
    """A connection to the cluster, which ends with it where the run has started it. Raises UserError."""
    try:
        import dask
        import distributed  # noqa: F401
    except ImportError:
        raise UserError(f"--cluster {choice.kind}: Dask is not installed. {EXTRA}") from None
    for name in ("distributed", "distributed.client"):  # what they would say of faults, the run says
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(SETTINGS), warnings.catch_warnings(), ExitStack() as stack:
        warnings.filterwarnings("ignore", module="distributed|dask_jobqueue")
        answers: Answers = SimpleQueue()
        address = choice.address or _started(choice, answers, stack, note)
        try:
            connection = Connection(address, answers)
        except OSError:
            raise UserError(
                f"--cluster {address}: no Dask scheduler answers there; start one by `dask scheduler`."
            ) from None
        stack.callback(connection.close)
        yield connection


def _client(address: str) -> Client:
    from distributed import Client

    return Client(address, timeout=CONNECT_S, set_as_default=False, direct_to_workers=False)


def _started(choice: ClusterChoice, answers: Answers, stack: ExitStack, note: Callable[[str], None]) -> str:
    """Start a cluster that ends with the stack; the address of its scheduler."""
    if choice.kind == "local":
        return str(stack.enter_context(_local(choice)).scheduler_address)
    address = submit_jobs(choice, answers, stack)
    jobs = "1 job goes" if choice.workers == 1 else f"{choice.workers} jobs go"
    note(f"{jobs} to {choice.kind}; the run begins with the first worker that it starts")
    return address


def _local(choice: ClusterChoice) -> Any:
    """Worker processes here, GPU by GPU where there are several."""
    from distributed import Nanny, Scheduler, SpecCluster

    gpus = torch.cuda.device_count()
    options: dict[str, Any] = {"nthreads": 1, "memory_limit": 0, "silence_logs": logging.CRITICAL}
    options |= {"local_directory": choice.scratch, "resources": {ALONE: 1} if choice.alone else {}}

    def environment(number: int) -> dict[str, str]:
        return {"CUDA_VISIBLE_DEVICES": str(number % gpus)} if gpus > 1 else {}

    workers = {
        number: {"cls": Nanny, "options": options | {"env": environment(number)}} for number in range(choice.workers)
    }
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "port": 0, "dashboard": False}}
    return SpecCluster(workers=workers, scheduler=scheduler, name="lic-bench", silence_logs=logging.CRITICAL)
