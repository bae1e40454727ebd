"""What a cluster takes by itself, and how much faster two workers are than one.

    python benchmarks/cluster_speed.py empty [--jobs 10000] [--workers 2]
    python benchmarks/cluster_speed.py speed-up [--codecs vvenc] [--qualities vvenc=32] [--datasets photos] [--limit N]

empty: chunks without work through the scheduler, one at a time to each worker, as `lic-bench run --cluster` hands them
out. speed-up: the same run on one and on two workers, each with an empty cache of bitstreams; wall seconds from the
first chunk to the last record, without the workers' start.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from unittest.mock import patch

import psutil

from lic_bench.run.cluster import cluster_run
from lic_bench.run.cluster.chunks import ImageChunk
from lic_bench.run.cluster.cluster_option import ClusterChoice
from lic_bench.run.cluster.connection import connected
from lic_bench.run.cluster.crew import Crew
from lic_bench.run.cluster.dispatcher import Dispatcher, Done
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.preparation import prepare_session
from lic_bench.run.session import Silent
from lic_bench.store.records import Record


@dataclass(slots=True)
class Watch(Silent):
    """Notes when the first chunk is handed out and when the last record came."""

    begun: float = 0.0
    last: float = 0.0

    def working(self, text: str) -> None:
        if "busy" in text:
            self.begun = self.begun or perf_counter()

    def record(self, job: Job, record: Record, seconds: float) -> None:
        assert record.status == "ok", record.error
        self.last = perf_counter()


def empty(jobs: int, workers: int) -> dict[str, float]:
    """Chunks per second, and the CPU seconds of a chunk in this process, where driver and scheduler are."""
    options = Options(codecs="jpeg", out=Path("none"), datasets="sample", limit=1, measure="quality", threads=1)
    choice = ClusterChoice(kind="local", workers=workers)
    session = prepare_session(options)
    here = cluster_run._described_here(session)
    orders = cluster_run._orders(session, options, choice)
    with connected(choice, print) as connection, patch.object(ImageChunk, "label", "nothing"):
        crew = Crew(connection, orders, here, print, 60.0)
        while len(crew.members) < workers:
            crew.look()
            for _, address, future in crew.news():
                crew.admit(address, future)
        start, cpu = perf_counter(), process_time()
        done = sum(isinstance(result, Done) for result in Dispatcher(crew, Silent()).carry_out([ImageChunk(())] * jobs))
        seconds, cpu = perf_counter() - start, process_time() - cpu
    assert done == jobs
    memory = psutil.Process().memory_info().rss / 1e6
    return {
        "jobs": jobs,
        "workers": workers,
        "jobs_per_s": jobs / seconds,
        "cpu_ms_a_job": cpu / jobs * 1e3,
        "mb": memory,
    }


def speed_up(arguments: argparse.Namespace) -> dict[str, float]:
    """Wall seconds on one and on two workers."""
    seconds = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder, patch.dict("os.environ", {"LIC_BENCH_CACHE": folder}):
            options = Options(
                codecs=arguments.codecs,
                out=Path(folder) / "run",
                datasets=arguments.datasets,
                limit=arguments.limit,
                qualities=arguments.qualities,
                measure="quality",
                cluster=f"local:{workers}",
            )
            watch = Watch()
            outcome = cluster_run.run(options, watch)
            seconds[workers] = watch.last - watch.begun
            print(f"{workers} workers: {outcome.stored} records in {seconds[workers]:.1f} s", flush=True)
    return {"one_s": seconds[1], "two_s": seconds[2], "speed_up": seconds[1] / seconds[2]}


def main(given: Sequence[str] | None = None) -> None:
    """Print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("empty", "speed-up"))
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--codecs", default="vvenc")
    parser.add_argument("--qualities", action="append", default=[])
    parser.add_argument("--datasets", default="kodak")
    parser.add_argument("--limit", type=int)
    arguments = parser.parse_args(given)
    figures = empty(arguments.jobs, arguments.workers) if arguments.part == "empty" else speed_up(arguments)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
