"""The host's counters: on the kernel's own examples, and on work of a known size."""

import os
import subprocess
import sys
from time import perf_counter, process_time

import pytest

from lic_bench.measurement.host_sensors import (
    TICKS,
    HostSensors,
    ProcessStat,
    cpu_seconds,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
STAT = """cpu  100 20 30 1000 50 3 4 40 7 8
cpu0 60 10 20 500 20 2 2 30 7 8
cpu1 40 10 10 500 30 1 2 10 0 0
intr 12345 1 2 3
ctxt 99
"""


def test_busy_is_neither_idle_nor_stolen() -> None:
    found = {name: value * TICKS for name, value in cpu_seconds(STAT, None).items()}
    assert found == pytest.approx({"cpu_total_s": 1247, "cpu_busy_s": 157, "cpu_steal_s": 40})


def test_only_the_cpus_that_may_be_used_count() -> None:
    found = {name: value * TICKS for name, value in cpu_seconds(STAT, [1]).items()}
    assert found == pytest.approx({"cpu_total_s": 603, "cpu_busy_s": 63, "cpu_steal_s": 10})


def test_a_kernel_that_tells_nothing() -> None:
    assert cpu_seconds("", None) == {}
    assert cpu_seconds("cpu 1 2 3\n", None) == {}


def test_a_process_with_an_awkward_name() -> None:
    text = "42 (a ) b) S 1 42 42 0 -1 4194304 99 0 7 2 100 50 20 10 20 0 1 0" + " 0" * 16 + " 17 3 0 0"
    stat = ProcessStat.parse(text)
    assert stat == ProcessStat(180 / TICKS, 9, 3)


@linux
def test_our_own_work_and_that_of_children_is_ours() -> None:
    sensors = HostSensors()
    before = sensors.read()[0]
    end = process_time() + 0.2
    while process_time() < end:
        pass
    alone = sensors.read()[0]
    assert alone["cpu_own_s"] - before["cpu_own_s"] >= 0.2
    code = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    living = sensors.read()[0]
    child.communicate(b"\n")
    ended = sensors.read()[0]
    for counters in (living, ended):
        assert counters["cpu_own_s"] - alone["cpu_own_s"] >= 0.3 - 2 / TICKS


@linux
def test_counters_only_grow() -> None:
    sensors = HostSensors()
    first, second = sensors.read()[0], sensors.read()[0]
    assert first.keys() == second.keys() >= {"cpu_own_s", "major_faults", "cpu_waited_s", "cpu_total_s"}
    assert all(second[name] >= value for name, value in first.items())


@linux
def test_waiting_for_a_cpu_is_seen() -> None:
    cpu = min(os.sched_getaffinity(0))
    code = f"import os, time\nos.sched_setaffinity(0, [{cpu}])\nwhile time.process_time() < 0.2: pass"
    sensors = HostSensors()
    before = sensors.read()[0]["cpu_waited_s"]
    both = [subprocess.Popen([sys.executable, "-c", code + "\ninput()"], stdin=subprocess.PIPE) for _ in range(2)]
    waited, patience = 0.0, perf_counter() + 30
    while waited < 0.05 and perf_counter() < patience:
        waited = sensors.read()[0]["cpu_waited_s"] - before
    for child in both:
        child.communicate(b"\n")
    assert waited >= 0.05, "two that share one CPU"
