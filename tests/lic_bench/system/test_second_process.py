"""Work in a copy of this process. Each test is a process without threads of its own, unlike the tests' workers."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from lic_bench.system.second_process import done_beside

BEGIN = "import os; from pathlib import Path; from lic_bench.system.second_process import done_beside; "
by_copies = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux are processes copied")


def _python(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEGIN + code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )


@by_copies
def test_a_copy_works_beside_what_is_inside(tmp_path: Path) -> None:
    code = """
def work():
    while not Path("inside").exists(): pass
    Path("pid").write_text(str(os.getpid()))
with done_beside(work):
    Path("inside").touch()
print(os.getpid())
"""
    done = _python(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "pid").read_text() != done.stdout.strip()


@by_copies
def test_what_fails_in_the_copy_is_done_here_and_its_error_is_raised(tmp_path: Path) -> None:
    code = """
def work():
    Path("pids").open("a").write(f"{os.getpid()}\\n")
    raise OSError(28, "No space left on device")
with done_beside(work): pass
"""
    done = _python(tmp_path, code)
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert len(set((tmp_path / "pids").read_text().split())) == 2


@by_copies
def test_what_fails_inside_ends_the_copy(tmp_path: Path) -> None:
    code = """
import time
def work():
    Path("pid").write_text(str(os.getpid()))
    time.sleep(60)
with done_beside(work):
    while not (Path("pid").exists() and Path("pid").read_text()): pass
    raise KeyError("inside")
"""
    done = _python(tmp_path, code)
    assert "KeyError: 'inside'" in done.stderr
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


def test_beside_other_threads_all_is_done_here_at_the_end() -> None:
    end, order = Event(), []
    thread = Thread(target=end.wait)
    thread.start()
    with done_beside(lambda: order.append(os.getpid())):
        order.append(0)
    end.set()
    thread.join()
    assert order == [0, os.getpid()]
