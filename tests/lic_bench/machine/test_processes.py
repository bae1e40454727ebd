import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

import psutil
import pytest

from lic_bench.machine import processes
from lic_bench.machine.processes import descendants, peak_resident_bytes, resident_bytes

CHILD = """
import subprocess, sys
below = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(below.pid, flush=True)
input()
below.communicate(b"\\n")
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """Ids of a child and of its child; started by another thread than the main one."""
    started: list[subprocess.Popen[str]] = []

    def start() -> None:
        command = [sys.executable, "-c", CHILD]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    thread = Thread(target=start)
    thread.start()
    thread.join()
    child = started[0]
    assert child.stdout is not None
    yield child.pid, int(child.stdout.readline())
    child.communicate("\n")


def test_children_of_children_are_found(family: tuple[int, int]) -> None:
    assert set(family) <= set(descendants(os.getpid()))
    assert descendants(family[0]) == [family[1]]


def test_psutil_finds_the_same(family: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_kernel_lists_children", lambda: False)
    assert set(family) <= set(descendants(os.getpid()))


def test_a_process_that_is_not_there() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert descendants(ended.pid) == []


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_the_kernel_and_the_samples_agree() -> None:
    own, mark = resident_bytes(os.getpid()), peak_resident_bytes("self")
    assert own is not None
    assert mark is not None
    assert own == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)
    assert mark >= own * 0.95
    assert resident_bytes(2**22 + 1) is peak_resident_bytes(2**22 + 1) is None
