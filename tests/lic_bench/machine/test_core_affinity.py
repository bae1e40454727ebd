"""A timed run keeps to its cores and gives them back; what samples beside it goes elsewhere."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.codecs.registry import resolve_codec
from lic_bench.machine import core_affinity, sysfs
from lic_bench.run.codec_process import CodecProcess
from lic_bench.run.worker_interface import CodecSetup

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process be kept on cores")
two = pytest.mark.skipif(len(core_affinity.usable_cores()) < 2, reason="this machine has one core")


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(1, 300))
def test_as_many_as_threads_and_only_usable_ones(usable: set[int], threads: int) -> None:
    chosen = core_affinity.choose_cores(threads, sorted(usable))
    assert chosen <= usable
    assert len(chosen) == min(threads, len(usable))


def test_one_of_each_physical_core_first_and_the_last_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for core in range(8):
        folder = tmp_path / f"cpu{core}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{core % 4},{core % 4 + 4}\n")
    monkeypatch.setattr(core_affinity, "CPUS", tmp_path)
    assert core_affinity.choose_cores(1, range(8)) == {7}
    assert core_affinity.choose_cores(4, range(8)) == {7, 6, 5, 4}
    assert core_affinity.choose_cores(5, range(8)) == {7, 6, 5, 4, 3}
    assert core_affinity.choose_cores(2, [0, 4, 5]) == {5, 4}


@linux
@two
def test_the_process_its_threads_and_its_programs_are_kept() -> None:
    ask = [sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))"]
    before, done, seen = core_affinity.usable_cores(), Event(), Event()
    tasks: list[set[int]] = []

    def wait() -> None:
        seen.set()
        done.wait()
        tasks.append(os.sched_getaffinity(0))

    thread = Thread(target=wait)
    thread.start()
    seen.wait()
    with core_affinity.keep_on_cores(core_affinity.cores_for_threads(1)):
        assert core_affinity.usable_cores() == before[-1:]
        assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split() == [str(before[-1])]
        done.set()
        thread.join()
    assert tasks == [{before[-1]}]
    assert core_affinity.usable_cores() == before


@linux
@two
def test_what_leaves_goes_to_the_others() -> None:
    code = "from lic_bench.machine import core_affinity as c; c.leave_inherited_cores(); print(*c.usable_cores())"
    with core_affinity.keep_on_cores(core_affinity.cores_for_threads(1)):
        mine = core_affinity.usable_cores()
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split()
    assert not set(mine) & set(map(int, said.split()))


@linux
@two
def test_a_codecs_own_process_is_kept_once_it_is_ready() -> None:
    kept = core_affinity.cores_for_threads(1)
    remote = CodecProcess(CodecSetup(spec=resolve_codec("jpeg"), device="cpu", threads=1, cores=kept))
    try:
        remote.ready()
        assert os.sched_getaffinity(remote.pid) == kept
        tasks = map(int, sysfs.list_folder(f"/proc/{remote.pid}/task"))
        assert {frozenset(os.sched_getaffinity(task)) for task in tasks} == {kept}
    finally:
        remote.close()


def test_with_a_thread_for_each_core_nothing_is_moved() -> None:
    before = core_affinity.usable_cores()
    assert core_affinity.cores_for_threads(len(before) or 1) is None
    with core_affinity.keep_on_cores(None):
        assert core_affinity.usable_cores() == before
