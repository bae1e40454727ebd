"""A Dask scheduler and two workers as processes of their own, each with its own folders, home and temporary files."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from lic_bench.run import session
from lic_bench.run.cluster import cluster_run
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.session import Outcome
from lic_bench.store.records import Record

PLUGINS = Path(__file__).parents[3] / "plugins"
UP_S = 120
SITE = """
import os, socket
if "NODE_NAME" in os.environ:
    socket.gethostname = lambda: os.environ["NODE_NAME"]
if "NODE_VERSION" in os.environ:
    import lic_bench
    lic_bench.__version__ = os.environ["NODE_VERSION"]
"""  # of the workers: their machine's name, and the version of lic-bench there


def unshared(script: str) -> list[str]:
    return ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh"]


NAMESPACES = not subprocess.run([*unshared("true")], capture_output=True, check=False).returncode


@dataclass
class Nodes:
    """A scheduler and its workers. folder: has one for each worker, of its name."""

    folder: Path
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start_scheduler(self) -> None:
        """At the address of an earlier one, if there was one."""
        place, before = self.folder / "address.json", self.address
        place.unlink(missing_ok=True)
        words = ["distributed.cli.dask_scheduler", "--host", before or "tcp://127.0.0.1:0", "--no-dashboard"]
        self.scheduler = self._start([*words, "--scheduler-file", str(place)], self.folder, {})
        until(lambda: place.exists() and '"address"' in place.read_text())
        self.address = before or place.read_text().split('"address": "')[1].split('"')[0]

    def start_worker(self, name: str, *more: str, hidden: Path | None = None, **environment: str) -> None:
        """more: options of Dask's worker. hidden: a folder of which it sees nothing."""
        home = self.folder / name
        for part in ("home", "cache", "temp", "dask"):
            (home / part).mkdir(parents=True, exist_ok=True)
        environment = {
            "NODE_NAME": name,
            "HOME": str(home / "home"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "TMPDIR": str(home / "temp"),
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(PLUGINS)]),
            "OMP_NUM_THREADS": "1",
        } | environment
        words = ["distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        words += ["--memory-limit", "0", "--local-directory", str(home / "dask"), "--name", name, *more]
        self.workers[name] = self._start(words, home, environment, hidden)
        with Client(self.address, set_as_default=False) as client:
            until(lambda: name in self._named(client))
            what = import_module, "lic_bench.run.cluster.bench"
            client.submit(*what, workers=[self._named(client)[name]], pure=False).result(timeout=UP_S)  # its imports

    @staticmethod
    def _named(client: Client) -> dict[str, str]:
        """Name -> address."""
        workers = client.scheduler_info(n_workers=-1)["workers"]
        return {worker["name"]: address for address, worker in workers.items()}

    @property
    def hidden(self) -> Path:
        return self.folder / "hidden"

    def stop(self, name: str) -> None:
        """End a worker."""
        process = self.workers.pop(name)
        process.kill()
        process.wait()

    def close(self) -> None:
        for name in list(self.workers):
            self.stop(name)
        if self.scheduler:
            self.scheduler.kill()
            self.scheduler.wait()

    def toml(self, folder: Path, *lines: str) -> str:
        """A file for --cluster that names this scheduler."""
        path = folder / "cluster.toml"
        path.write_text("\n".join(['kind = "address"', f'address = "{self.address}"', "wait_s = 2", *lines]))
        return str(path)

    def received(self, name: str) -> list[str]:
        """The files that were sent to a worker."""
        return sorted(path.name[33:] for path in (self.folder / name / "dask").glob("**/lic-bench/*"))

    def _start(
        self, words: Sequence[str], folder: Path, environment: dict[str, str], hidden: Path | None = None
    ) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", *words]
        if hidden:
            argv = [*unshared(f'mount -t tmpfs none "{hidden}" && exec "$@"'), *argv]
        log = (folder / "log").open("ab")
        with log:
            return subprocess.Popen(
                argv, cwd=folder, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


def until(condition: Callable[[], bool], seconds: float = UP_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Workers `a`, which is alone on its machine as far as it knows, and `b`, which sees nothing in `hidden`."""
    there = Nodes(tmp_path_factory.mktemp("nodes"))
    (there.folder / "sitecustomize.py").write_text(SITE)
    there.hidden.mkdir()
    try:
        there.start_scheduler()
        there.start_worker("a", "--resources", "machine=1")
        there.start_worker("b", hidden=there.hidden if NAMESPACES else None)
        yield there
    finally:
        there.close()


class Heard:
    """A Listener that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.said: list[str] = []
        self.done = 0
        self.on_record: Callable[[int], None] = lambda _: None
        self._count = 0

    def started(self, jobs: Sequence[Job], done: int) -> None:
        self.done = done

    def job(self, job: Job) -> None: ...

    def record(self, job: Job, record: Record, seconds: float) -> None:
        self._count += 1
        self.on_record(self._count)

    def working(self, text: str) -> None:
        self.said.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def noted(self, part: str) -> list[str]:
        return [text for text in self.notes if part in text]


@pytest.fixture
def namespaces() -> None:
    if not NAMESPACES:
        pytest.skip("unshare --mount is not allowed here, so a worker cannot be kept from seeing a folder")


@pytest.fixture
def heard() -> Heard:
    return Heard()


def _options(images: Path, out: Path, **changes: Any) -> Options:
    given = {"codecs": "fake", "datasets": str(images), "out": out, "device": "cpu", "measure": "quality", "threads": 1}
    return Options(**(given | changes))


@pytest.fixture
def here() -> Callable[..., Outcome]:
    """A run on this machine: images, out, and options."""
    return lambda images, out, **changes: session.run(_options(images, out, **changes), Heard())


@pytest.fixture
def there() -> Callable[..., Outcome]:
    """A run on a cluster: images, out, cluster, and options."""

    def run(images: Path, out: Path, cluster: str, listener: Heard | None = None, **changes: Any) -> Outcome:
        return cluster_run.run(_options(images, out, cluster=cluster, **changes), listener or Heard())

    return run


@pytest.fixture
def rows() -> Callable[[Path], list[dict[str, Any]]]:
    """The records of a run, sorted, and without `worker`."""

    def read(out: Path) -> list[dict[str, Any]]:
        lines = [json.loads(line) | {"worker": None} for line in (out / "records.jsonl").read_text().splitlines()]
        return sorted(lines, key=lambda row: (row["codec"], row["quality"], row["image"]))

    return read


@pytest.fixture
def own_nodes(tmp_path: Path) -> Iterator[Nodes]:
    """A scheduler for one test, without workers yet."""
    there = Nodes(tmp_path / "nodes")
    there.folder.mkdir()
    (there.folder / "sitecustomize.py").write_text(SITE)
    try:
        there.start_scheduler()
        yield there
    finally:
        there.close()
