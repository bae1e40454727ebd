"""Workers, scheduler and the run itself are killed at work: no record is lost or doubled, nothing goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client

pytestmark = pytest.mark.slow
PLUGINS = Path(__file__).parents[3] / "plugins"
RECORDS = 3 * 9


class Driver:
    """`lic-bench run` of the codec `scripted` in a process of its own."""

    def __init__(self, images: Path, folder: Path, address: str, *more: str) -> None:
        self.out, self.log = folder / "run", folder / "log"
        self.words = [sys.executable, "-m", "lic_bench.cli", "run", "--codecs", "scripted", "--device", "cpu", *more]
        self.words += ["--plugin", str(PLUGINS / "scripted"), "--datasets", str(images), "--measure", "quality"]
        self.words += ["--out", str(self.out), "--cluster", address, "--threads", "1"]
        self.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.words, stdout=log, stderr=log)

    def rows(self) -> list[dict[str, Any]]:
        path = self.out / "records.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)

    def finish(self, records: int = RECORDS) -> str:
        """Wait for a good end; every record is there once. What was said."""
        assert self.process.wait(timeout=240) == 0, self.log.read_text()
        rows = self.rows()
        assert len(rows) == len({(row["quality"], row["image"]) for row in rows}) == records
        assert {row["status"] for row in rows} == {"ok"}
        return self.log.read_text()


@pytest.fixture
def start(images: Path, tmp_path: Path) -> Iterator[Callable[..., Driver]]:
    drivers: list[Driver] = []

    def begin(address: str, *more: str) -> Driver:
        drivers.append(Driver(images, tmp_path, address, *more))
        return drivers[-1]

    yield begin
    for driver in drivers:
        if driver.process.poll() is None:
            driver.process.kill()
            driver.process.wait()


ALL = "--qualities", "scripted=0,1,2,3,4,5,6,7,8"


def test_a_worker_that_is_killed(own_nodes: Any, start: Callable[..., Driver]) -> None:
    own_nodes.start_worker("c")
    own_nodes.start_worker("d")
    driver = start(own_nodes.address, *ALL)
    driver.until(lambda: len(driver.rows()) >= 4)
    own_nodes.stop("c")
    said = driver.finish()
    assert "worker c is gone; 1 left" in said


def test_the_run_itself(own_nodes: Any, start: Callable[..., Driver]) -> None:
    own_nodes.start_worker("c")
    driver = start(own_nodes.address, *ALL)
    driver.until(lambda: len(driver.rows()) >= 4)
    driver.process.kill()
    driver.process.wait()
    before = driver.rows()
    driver.start()
    assert f"resuming: {len(before)} of {RECORDS} records are stored" in driver.finish()
    assert driver.rows()[: len(before)] == before


def test_what_a_killed_run_left_at_work_makes_way_for_the_next(
    own_nodes: Any, start: Callable[..., Driver], tmp_path: Path
) -> None:
    log = tmp_path / "encodes.log"
    own_nodes.start_worker("c", SCRIPTED_DO="stick:1", SCRIPTED_LOG=str(log))  # the second encoder hangs
    driver = start(own_nodes.address, "--limit", "2", "--qualities", "scripted=4")
    driver.until(lambda: log.exists() and len(log.read_text().splitlines()) == 2)
    driver.until(lambda: len(driver.rows()) == 1)
    driver.process.kill()
    driver.process.wait()
    hangs = int(log.read_text().splitlines()[1])
    log.write_text("")
    driver.start()
    driver.finish(records=2)
    assert not psutil.pid_exists(hangs)


def test_the_scheduler(own_nodes: Any, start: Callable[..., Driver]) -> None:
    own_nodes.start_worker("c")
    driver = start(own_nodes.address, *ALL)
    driver.until(lambda: len(driver.rows()) >= 4)
    own_nodes.scheduler.kill()
    own_nodes.scheduler.wait()
    driver.until(lambda: "is gone: waiting for it" in driver.log.read_text())
    own_nodes.start_scheduler()
    own_nodes.stop("c")
    own_nodes.start_worker("d")
    assert "the scheduler is back" in driver.finish()


def test_ctrl_c_leaves_nothing_at_work(own_nodes: Any, start: Callable[..., Driver], tmp_path: Path) -> None:
    log = tmp_path / "encodes.log"
    own_nodes.start_worker("c", SCRIPTED_DO="stick:4", SCRIPTED_LOG=str(log))
    driver = start(own_nodes.address, *ALL)
    driver.until(lambda: log.exists() and len(log.read_text().splitlines()) == 5)
    driver.process.send_signal(signal.SIGINT)
    assert driver.process.wait(timeout=30) == 130
    assert not any(psutil.pid_exists(int(line)) for line in log.read_text().splitlines())
    with Client(own_nodes.address, set_as_default=False) as client:
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0
    assert {row["status"] for row in driver.rows()} == {"ok"}


def test_a_node_whose_time_is_up_fails_nothing(own_nodes: Any, start: Callable[..., Driver], tmp_path: Path) -> None:
    """A queue ends all processes of a job at once, a codec's too, before the worker is gone."""
    log = tmp_path / "encodes.log"
    own_nodes.start_worker("c", SCRIPTED_DO="stick:2", SCRIPTED_LOG=str(log))
    driver = start(own_nodes.address, *ALL)
    driver.until(lambda: log.exists() and len(log.read_text().splitlines()) == 3)
    process = psutil.Process(own_nodes.workers["c"].pid)
    for child in [*process.children(recursive=True), process]:
        os.kill(child.pid, signal.SIGTERM)
    own_nodes.start_worker("d")
    driver.finish()


def test_a_codec_that_ends_its_worker_twice_is_named_and_the_rest_goes_on(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: Callable[..., Any], fake_codecs: None
) -> None:
    monkeypatch.setenv("BROKEN_KILLS", "1")
    given = {"codecs": "broken,fake", "qualities": ["broken=6", "fake=2,4"], "limit": 2}
    outcome = there(images, tmp_path / "run", "local:2", **given)
    assert [record.codec for record in outcome.failed] == ["broken", "broken"]
    for record in outcome.failed:
        assert record.failure == "crash"
        assert record.error.startswith("given up after 2 tries: worker ")
        assert record.error.count(" is gone") == 2
    assert outcome.stored == 6
