import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

import psutil
import pytest

from lic_bench.machine import process_tree
from lic_bench.machine.process_tree import descendants, is_in_tree, process_exists

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
    monkeypatch.setattr(process_tree, "_kernel_lists_children", lambda: False)
    assert set(family) <= set(descendants(os.getpid()))


def test_who_belongs_to_whom(family: tuple[int, int]) -> None:
    child, grandchild = family
    assert all(is_in_tree(pid, os.getpid()) for pid in (os.getpid(), child, grandchild))
    assert is_in_tree(grandchild, child)
    assert not is_in_tree(child, grandchild)
    assert not is_in_tree(psutil.Process().ppid(), os.getpid())


def test_a_process_that_is_not_there() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert descendants(ended.pid) == []
    assert not is_in_tree(ended.pid, os.getpid())


def test_who_exists() -> None:
    assert process_exists(os.getpid())
    assert process_exists(1), "not ours to signal, but there"
    assert not process_exists(2**22 + 1), "beyond the kernel's largest id"
    assert not process_exists(0)
