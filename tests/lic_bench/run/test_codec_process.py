"""Codecs in processes of their own: what happens there stays there, and is said here."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from lic_bench.codecs.registry import add_plugin, resolve_codec
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import Image
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.codec_process import CRASHES, PROGRAMS, CodecProcess
from lic_bench.run.codec_worker import CodecWorker
from lic_bench.run.options import LONGEST_TIMEOUT_S
from lic_bench.run.session import at_work
from lic_bench.run.worker_interface import CodecSetup

PLUGINS = Path(__file__).parents[2] / "plugins"
HANGS, CRASHES_AT, GREEDY, LATER = 101, 102, 103, 104
SHORT = Effort(repeats=2, warm_up_s=0.1, budget_s=0.2)
PARTS = frozenset(["quality", "latency", "memory"])
TIMES = frozenset(["latency", "memory"])


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return find_dataset("sample", None, limit=1, crop=32).images[0]


def setup(**changes: Any) -> CodecSetup:
    (spec,) = add_plugin(PLUGINS / "sleeper")
    return replace(CodecSetup(spec=spec, device="cpu", parts=PARTS, effort=SHORT, threads=1), **changes)


@pytest.fixture(scope="module")
def process_of_all_tests() -> Iterator[CodecProcess]:
    remote = CodecProcess(setup(timeout_s=PROGRAMS * LONGEST_TIMEOUT_S))  # which the system can wait
    yield remote
    remote.close()


@pytest.fixture
def remote(process_of_all_tests: CodecProcess, image: Image) -> CodecProcess:
    """At work, and without the crashes of another test, which an image of another quality ends."""
    process_of_all_tests.code(20, image)
    return process_of_all_tests


def test_it_works_elsewhere_and_says_what_a_codec_here_says(remote: CodecProcess, image: Image) -> None:
    here = CodecWorker(setup()).code(10, image)
    there = remote.code(10, image)
    there.warm_up()
    assert all(len(turn) == 2 for turn in there.turn())
    for name in ("mse_8bit", "psnr_db", "payload_bytes", "bitstream_sha256", "width"):
        assert there.fields[name] == here.fields[name]
    assert there.fields["peak_memory_bytes"]


def test_times_taken_elsewhere_are_those_of_the_codec(remote: CodecProcess, image: Image) -> None:
    encode_s, decode_s = remote.code(20, image).turn()[0]
    assert encode_s >= 0.02
    assert decode_s >= 0.04


def test_the_size_alone_is_known_too_and_a_crash_on_the_way_is_a_failure(remote: CodecProcess, image: Image) -> None:
    assert remote.payload_bytes(10, image) == 8
    with pytest.raises(CodecFailure, match="its process was ended by SIGSEGV"):
        remote.payload_bytes(CRASHES_AT, image)
    assert remote.payload_bytes(10, image) == 8


def test_an_exception_is_a_failure_and_the_process_lives_on(remote: CodecProcess, image: Image) -> None:
    process = remote.pid
    with pytest.raises(CodecFailure, match=r"out of memory: .*allocate"):
        remote.code(GREEDY, image)
    assert remote.code(10, image).fields["payload_bytes"] == 8
    assert remote.pid == process


def test_a_crash_is_a_failure_and_a_new_process_goes_on(remote: CodecProcess, image: Image) -> None:
    process = remote.pid
    with pytest.raises(CodecFailure, match="its process was ended by SIGSEGV"):
        remote.code(CRASHES_AT, image)
    assert remote.code(10, image).fields["payload_bytes"] == 8
    assert remote.pid != process


def test_a_kill_says_that_memory_may_have_run_out(remote: CodecProcess, image: Image) -> None:
    coded = remote.code(10, image)
    os.kill(remote.pid, signal.SIGKILL)
    with pytest.raises(CodecFailure, match="out of memory, or killed by hand") as caught:
        coded.turn()
    assert caught.value.kind == "out_of_memory"


@pytest.mark.slow
def test_after_some_crashes_in_a_row_no_other_is_provoked(remote: CodecProcess, image: Image) -> None:
    for _ in range(CRASHES):
        with pytest.raises(CodecFailure):
            remote.code(CRASHES_AT, image)
    process = remote.pid
    with pytest.raises(CodecFailure, match=f"not tried: {CRASHES} images before ended"):
        remote.code(CRASHES_AT, image)
    assert remote.pid == process  # nor was one started
    assert remote.code(10, image).fields["payload_bytes"] == 8  # another quality is another matter


PASSES, LOST, LATER_LOST = 2, 3, 4


@pytest.fixture
def faulting() -> Iterator[CodecProcess]:
    """A codec whose GPU is played, see the plugin."""
    (spec,) = add_plugin(PLUGINS / "faulting")
    remote = CodecProcess(setup(spec=spec))
    yield remote
    remote.close()


@pytest.mark.slow
def test_a_gpu_lost_to_a_process_is_had_again_by_a_new_one(faulting: CodecProcess, image: Image) -> None:
    coded = faulting.code(1, image)
    process = faulting.pid
    with pytest.raises(CodecFailure, match="CUDA error: an illegal memory access"):
        faulting.code(PASSES, image)
    assert faulting.pid == process
    with pytest.raises(CodecFailure, match="CUDA error: an illegal memory access"):
        faulting.code(LOST, image)
    assert not psutil.pid_exists(process)
    with pytest.raises(CodecFailure, match="exit code 1"):
        coded.turn()
    assert faulting.code(1, image).fields["payload_bytes"] == 8
    assert faulting.pid != process


@pytest.mark.slow
def test_a_gpu_lost_after_the_answer_spoils_no_other_image(faulting: CodecProcess, image: Image) -> None:
    coded = faulting.code(LATER_LOST, image)
    assert coded.fields["payload_bytes"] == 8
    with pytest.raises(CodecFailure, match="exit code 1"):
        coded.turn()
    assert faulting.code(1, image).fields["payload_bytes"] == 8


@pytest.mark.slow
def test_a_gpu_lost_again_and_again_counts_as_crashes(faulting: CodecProcess, image: Image) -> None:
    for _ in range(CRASHES):
        with pytest.raises(CodecFailure):
            faulting.code(LOST, image)
    with pytest.raises(CodecFailure, match=f"not tried: {CRASHES} images before ended"):
        faulting.code(LOST, image)


def test_a_hang_is_ended() -> None:
    hanging = CodecProcess(setup(timeout_s=5.0))
    image = find_dataset("sample", None, limit=1, crop=32).images[0]
    try:
        with pytest.raises(CodecFailure, match=r"stopped: no answer within 5 s \(--timeout\)"):
            hanging.code(HANGS, image)
        first = hanging.pid
        hanging.ready()
        assert not psutil.pid_exists(first)
    finally:
        hanging.close()


def test_an_image_counts_once_however_often_it_is_asked_about(remote: CodecProcess, image: Image) -> None:
    coded = remote.code(10, image)
    os.kill(remote.pid, signal.SIGKILL)
    for ask in (coded.energy, coded.phases, coded.turn):
        with pytest.raises(CodecFailure):
            ask()
    assert remote.code(10, image).fields["payload_bytes"] == 8


def test_it_is_there_before_the_first_question_and_gone_at_the_end(image: Image) -> None:
    with at_work([setup(parts=TIMES)], isolate=True) as works:
        opened = works["sleeper"]
        assert isinstance(opened, CodecProcess)
        opened.open()
        process = opened.pid
        opened.open()
        opened.ready()
        opened.code(10, image)
        assert opened.pid == process > 0
    assert not psutil.pid_exists(process)


def test_it_starts_anew_and_codes_again(image: Image) -> None:
    with at_work([setup(layout_seed="draw", parts=TIMES)], isolate=True) as works:
        remote = works["sleeper"]
        assert isinstance(remote, CodecProcess)
        remote.code(10, image)
        process = remote.pid
        remote.renew()
        coded = remote.encode(10, image)
        assert coded.fields == {}
        assert remote.pid != process
        coded.warm_up()
        assert coded.turn()[0][0] >= 0.01


def test_one_that_nobody_asks_starts_no_process() -> None:
    unasked = CodecProcess(setup())
    unasked.close()
    assert unasked.pid == 0


def test_a_script_without_a_guard_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "user.py"
    script.write_text(
        "from pathlib import Path\n"
        "from lic_bench.run.worker_interface import CodecSetup\n"
        "from lic_bench.run.codec_process import CodecProcess\n"
        "from lic_bench.codecs.registry import resolve_codec\n"
        "with Path('log').open('a') as log: log.write('once\\n')\n"
        "remote = CodecProcess(CodecSetup(spec=resolve_codec('jpeg'), device='cpu'))\n"
        "remote.ready()\n"
        "remote.close()\n"
    )
    subprocess.run([sys.executable, script], cwd=tmp_path, check=True)
    assert (tmp_path / "log").read_text() == "once\n"


def test_without_isolation_the_codec_works_here() -> None:
    with at_work([setup()], isolate=False) as works:
        assert isinstance(works["sleeper"], CodecWorker)


def test_a_built_in_codec_travels() -> None:
    image = find_dataset("sample", None, limit=1, crop=64).images[0]
    with at_work([CodecSetup(spec=resolve_codec("jpeg"), device="cpu", parts=PARTS)], isolate=True) as works:
        assert works["jpeg"].code(50, image).fields["psnr_db"] > 20


def test_an_image_that_the_process_no_longer_has_is_a_failure(remote: CodecProcess, image: Image) -> None:
    first = remote.code(10, image)
    second = remote.code(10, image)
    with pytest.raises(CodecFailure, match="another image was coded since"):
        first.turn()
    assert second.turn()
