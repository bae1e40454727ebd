"""What becomes of the program where its output goes nowhere, through real pipes and a device that is full."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lic_bench import cli
from lic_bench.terminal.output import CLOSED

COMMANDS = [["list", "codecs"], ["compare", "--help"], ["report", "--published", "paper", "--reference", "none"]]
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file to which nothing can be written")


@pytest.fixture
def unread() -> Iterator[int]:
    """The writing end of a pipe whose reading end is closed."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


def ended(folder: Path, stdout: int, *arguments: str, stderr: int = subprocess.PIPE) -> tuple[int, str]:
    command = [sys.executable, "-m", "lic_bench.cli", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=stdout, stderr=stderr, text=True, check=False)
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_pipe_that_nobody_reads_ends_in_silence(tmp_path: Path, unread: int, arguments: list[str]) -> None:
    assert ended(tmp_path, unread, *arguments) == (CLOSED, "")


def test_bad_input_keeps_its_exit_code_where_nobody_reads_why(tmp_path: Path, unread: int) -> None:
    assert ended(tmp_path, unread, "list", "everything", stderr=unread) == (cli.BAD_INPUT, "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_stream_changes_no_exit_code(tmp_path: Path, closed: str) -> None:
    for what, code in (("codecs", cli.OK), ("everything", cli.BAD_INPUT)):
        command = shlex.join([sys.executable, "-m", "lic_bench.cli", "list", what])
        done = subprocess.run(["bash", "-c", f"{command} {closed}"], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr


def test_nothing_is_printed_into_a_file_in_place_of_a_closed_output(tmp_path: Path) -> None:
    code = """
import subprocess, sys
from lic_bench.terminal.output import console
with open("records", "w") as file:
    console.say("printed")
    subprocess.run([sys.executable, "-c", "import os; os.write(1, b'printed'); os.write(2, b'printed')"], check=True)
    file.write("whole")
"""
    command = f"{shlex.join([sys.executable, '-c', code])} <&- >&- 2>&-"
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "records").read_text() == "whole"


def test_files_are_in_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    plain = os.environ | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    command = [sys.executable, "-m", "lic_bench.cli", "report", "--published", "vtm-9.1", "--reference", "none"]
    done = subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (cli.OK, b"")
    assert not (tmp_path / "report" / "index.html").read_text(encoding="utf-8").isascii()


@full
@pytest.mark.parametrize("arguments", [["list", "codecs"], ["--help"]], ids=lambda arguments: arguments[0])
def test_an_output_to_which_nothing_can_be_written_is_one_line(tmp_path: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as target:
        found = ended(tmp_path, target.fileno(), *arguments)
        assert found == (
            cli.BAD_INPUT,
            "lic-bench: Cannot write to the standard output: No space left on device.\n",
        )
        assert ended(tmp_path, target.fileno(), *arguments, stderr=target.fileno()) == (cli.BAD_INPUT, "")
