"""The sampling process sees what a known program allocates, and ends with the process that started it."""

import subprocess
import sys
from collections.abc import Iterator
from mmap import mmap
from time import sleep

import psutil
import pytest

from lic_bench.measurement import memory_sampler as module
from lic_bench.measurement.memory_sampler import MemorySampler, shared_sampler

linux = pytest.mark.skipif(sys.platform != "linux", reason="children are told apart by /proc")
MB = 10**6


@pytest.fixture
def sampler() -> Iterator[MemorySampler]:
    sampler = MemorySampler()
    yield sampler
    sampler.close()


def ended(pid: int, seconds: float = 20.0) -> bool:
    """Whether the process ends within that time; one that its parent has not waited for has ended."""
    for _ in range(int(seconds / 0.02)):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        sleep(0.02)
    return False


@linux
def test_a_program_that_allocates_200_mb_is_seen(sampler: MemorySampler) -> None:
    sampler.begin()
    code = "x = b'a' * 200_000_000\nprint(flush=True)\ninput()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    found = sampler.end()
    child.communicate(b"\n")
    assert 200 * MB < found["children_rss"] < 260 * MB
    assert found["rss"] < found["rss_before"] + 50 * MB, "it is not the measured process's own"


@linux
def test_two_programs_at_a_time_add_up(sampler: MemorySampler) -> None:
    sampler.begin()
    command = [sys.executable, "-c", "x = b'a' * 50_000_000\nprint(flush=True)\ninput()"]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    for child in both:
        assert child.stdout is not None
        child.stdout.readline()
    found = sampler.end()
    for child in both:
        child.communicate(b"\n")
    assert 100 * MB < found["children_rss"] < 160 * MB


@linux
def test_what_only_forks_has_its_parents_pages_and_is_left_out() -> None:
    code = """
import os, time
from lic_bench.measurement.memory_sampler import MemorySampler
sampler, block = MemorySampler(), b"a" * 100_000_000
sampler.begin()
if (pid := os.fork()) == 0:
    time.sleep(0.1)
    os._exit(0)
os.waitpid(pid, 0)
print(sampler.end()["children_rss"])
sampler.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50 * MB


def test_the_process_itself_and_a_fresh_start_each_time(sampler: MemorySampler) -> None:
    sampler.begin()
    with mmap(-1, 100 * MB) as block:  # not malloc, which may keep it
        block.write(b"a" * (100 * MB))
        first = sampler.end()
    sampler.begin()
    second = sampler.end()
    assert first["rss"] - first["rss_before"] > 90 * MB
    assert second["rss"] < first["rss"] - 50 * MB
    assert not [name for name in first if name.startswith("nvml")], "without a GPU to watch"


def test_it_is_light(sampler: MemorySampler) -> None:
    code = (
        "import sys, lic_bench.measurement.memory_sampler; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    sampler.begin()
    assert sampler.end()
    assert psutil.Process(sampler._process.pid).memory_info().rss < 100 * MB


def test_one_that_is_gone_answers_nothing_and_is_replaced() -> None:
    first = shared_sampler(None)
    assert first is not None
    assert shared_sampler(None) is first
    first._process.kill()
    first._process.wait()
    first.begin()
    assert first.end() == {}
    second = shared_sampler(None)
    assert second is not None
    assert second is not first
    second.begin()
    assert second.end()["rss"] > 0


def test_where_it_cannot_be_started_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "executable", "/no/such/python")
    assert shared_sampler("a gpu of this test alone") is None


def test_it_ends_with_the_process_that_started_it() -> None:
    code = "from lic_bench.measurement.memory_sampler import MemorySampler\n"
    code += "s = MemorySampler()\ns.begin()\nprint(s._process.pid, flush=True)\ninput()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.communicate()
    assert ended(pid)


def test_closing_twice_does_no_harm(sampler: MemorySampler) -> None:
    sampler.close()
    assert not sampler.alive
    sampler.close()
    assert sampler.end() == {}
