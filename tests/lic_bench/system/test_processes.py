import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lic_bench.system.processes import end_process, how_it_ended, start_in_group

SLEEP = "import time; time.sleep(600)"
READS = "import sys; sys.stdin.read()"  # and ends when its input does
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); {SLEEP}"
PARENT = (
    "import subprocess, sys\n"
    f"child = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], stdout=subprocess.PIPE)\n"
    "child.stdout.readline()\n"
    "print(child.pid, flush=True)\n"
    "child.wait()\n"
)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-signal.SIGABRT, "was ended by SIGABRT"),
        (-(signal.SIGRTMIN + 3), f"was ended by signal {signal.SIGRTMIN + 3}"),
        (None, "cannot be ended"),
    ],
)
def test_every_end_has_words(code: int | None, words: str) -> None:
    assert how_it_ended(code) == words


def test_what_was_asked_ends_by_itself() -> None:
    process = subprocess.Popen([sys.executable, "-c", READS], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    end_process(process, 60)
    assert process.returncode == 0


@pytest.mark.parametrize(("program", "number"), [(SLEEP, signal.SIGTERM), (STUBBORN, signal.SIGKILL)])
def test_a_signal_no_harder_than_needed(program: str, number: int) -> None:
    with start_in_group([sys.executable, "-c", f"print(flush=True); {program}"], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.readline() if program == STUBBORN else None
        end_process(process, 60 if number == signal.SIGTERM else 0.2, asked=False)
    assert process.returncode == -number


def test_a_child_that_ignores_the_signal_goes_with_its_group(
    gone: Callable[[int], bool], soon: Callable[..., bool]
) -> None:
    with start_in_group([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as process:
        child = int(process.stdout.readline())
        end_process(process, 60, asked=False)
    assert soon(lambda: gone(child))


def test_one_of_our_own_group_is_ended_without_us() -> None:
    process = subprocess.Popen([sys.executable, "-c", SLEEP])
    end_process(process, 60, asked=False)
    assert process.returncode == -signal.SIGTERM


HANGS = "import collections, itertools; collections.deque(itertools.repeat(0), maxlen=0)"  # in C, deaf to signals
CALLER = (
    "import sys, time\n"
    "from lic_bench.system.processes import start_in_group\n"
    f"parent = {PARENT.replace('child.wait()', HANGS)!r}\n"
    "process = start_in_group([sys.executable, '-c', parent])\n"
    "print(process.pid, flush=True)\n"
    "time.sleep(600)\n"
)


def test_what_hangs_is_gone_with_its_group_once_its_caller_is_killed(
    gone: Callable[[int], bool], soon: Callable[..., bool]
) -> None:
    with subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        pids = {int(caller.stdout.readline()), int(caller.stdout.readline())}  # of the process and of its child
        assert not any(map(gone, pids))
        caller.kill()
    assert soon(lambda: all(map(gone, pids)), 5)


def test_descriptors_are_passed_on_and_none_stays_open() -> None:
    reading, writing = os.pipe()
    before = set(Path("/dev/fd").iterdir())
    with start_in_group([sys.executable, "-c", f"import os; os.write({writing}, b'x')"], pass_fds=[writing]) as process:
        assert os.read(reading, 1) == b"x"
    del process
    assert set(Path("/dev/fd").iterdir()) == before
    os.close(reading)
    os.close(writing)


def test_nothing_is_read_and_what_cannot_be_started_raises(tmp_path: Path) -> None:
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True}
    with start_in_group([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"], **options) as process:
        assert process.communicate()[0] == "''\n"
    with pytest.raises(FileNotFoundError):
        start_in_group([tmp_path / "none"])
