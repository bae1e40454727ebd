"""Signals end a process by an exception, and are not forgotten where that is swallowed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lic_bench.system import stop_signals


@pytest.fixture(autouse=True)
def as_before():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    for number in numbers:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    stop_signals.forget()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_was_swallowed_is_raised_again(number: signal.Signals) -> None:
    stop_signals.raise_on_signals()
    stop_signals.raise_again()
    assert stop_signals.exit_code() is None
    kind = KeyboardInterrupt if number == signal.SIGINT else stop_signals.Terminated
    with pytest.raises(kind):
        os.kill(os.getpid(), number)
    for _ in range(2):
        with pytest.raises(kind):
            stop_signals.raise_again()
    assert stop_signals.exit_code() == 128 + number
    stop_signals.forget()
    stop_signals.raise_again()


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_signals.raise_on_signals()
    os.kill(os.getpid(), signal.SIGINT)
    assert stop_signals.exit_code() is None


def test_at_the_end_signals_are_left_to_the_system() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stop_signals.raise_on_signals()
    stop_signals.leave_to_system()
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)]
    assert handlers == [signal.SIG_DFL, signal.SIG_DFL, signal.SIG_IGN]


def test_terminated_is_nothing_that_a_codec_raises_or_catches() -> None:
    assert not issubclass(stop_signals.Terminated, Exception | SystemExit)


SWALLOWS = """
import os, signal, sys
sys.argv = ["lic-bench", "list", "codecs"]
from lic_bench import cli
from lic_bench.terminal import listings

def interrupted():
    try:
        os.kill(os.getpid(), signal.{name})
    except BaseException:
        pass
    raise RuntimeError("Numpy is not available")

listings.codecs_table = interrupted
cli.program()
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_what_a_swallowed_signal_leads_to_is_no_error_of_the_program(tmp_path: Path, name: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWS.format(name=name)], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (code, "")


def test_ctrl_c_while_the_program_is_imported_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    command = [sys.executable, "-c", "from lic_bench.cli import program; program()", "list", "codecs"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr, done.stdout) == (130, "", "")
