"""Whole runs whose codecs work in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lic_bench.codecs.registry import add_plugin
from lic_bench.run.options import Options
from lic_bench.run.session import Silent, run
from lic_bench.store.run_folder import Run

PLUGINS = Path(__file__).parents[2] / "plugins"
HANGS, CRASHES_LATER = 101, 104
pytestmark = pytest.mark.usefixtures("fake_codecs")


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])  # SIGKILL: see test_kills
def test_a_run_that_is_ended_leaves_no_process(images: Path, tmp_path: Path, how: signal.Signals) -> None:
    notes = tmp_path / "processes"
    command = [sys.executable, "-m", "lic_bench.cli", "run", "--codecs", "sleeper", "--qualities", str(HANGS)]
    command += ["--datasets", str(images), "--out", str(tmp_path / "run"), "--device", "cpu"]
    command += ["--plugin", str(PLUGINS / "sleeper"), "--measure", "latency"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=os.environ | {"SLEEPER_NOTES": str(notes)}, **quiet) as started:
        until(lambda: notes.exists() and len(notes.read_text().splitlines()) == 2)  # encoder and decoder are made
        started.send_signal(how)
    worker = int(notes.read_text().split()[0])
    assert worker != started.pid
    until(lambda: gone(worker), 5)


@pytest.mark.slow
def test_a_codec_that_ends_its_process_is_a_failed_record_and_the_run_goes_on(images: Path, tmp_path: Path) -> None:
    add_plugin(PLUGINS / "sleeper")
    qualities = ("fake=4", f"sleeper={CRASHES_LATER}")
    options = Options(
        codecs="fake,sleeper", qualities=qualities, datasets=str(images), out=tmp_path / "run", device="cpu"
    )
    errors = [record.error for record in run(options, Silent()).failed]
    ended = ["its process was ended by SIGSEGV"] * 2
    assert errors == [*ended, "not tried: 2 images before ended this codec's process"]
    found = Run(tmp_path / "run")
    assert set(found.records.query("codec == 'fake'").status) == {"ok"}
    assert found.info["config"]["isolate"] is True


def test_times_are_taken_after_each_start(images: Path, tmp_path: Path) -> None:
    options = Options(
        codecs="fake", qualities=("fake=4",), datasets=str(images), limit=1, measure="latency", quick=True,
        out=tmp_path / "run", device="cpu", starts=2,
    )  # fmt: skip
    assert not run(options, Silent()).failed
    found = Run(tmp_path / "run")
    (record,) = found.records.to_dict("records")
    assert set(record["starts"]) == {0, 1}
    assert len(record["starts"]) == len(record["encode_s"])
    assert found.info["config"]["starts"] == 2
