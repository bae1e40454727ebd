import subprocess
import sys
from pathlib import Path

import pytest

from lic_bench.system.file_lock import locked, take_lock

HOLDER = """
import pathlib, sys
from lic_bench.system.file_lock import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_of_one_process_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with path.open("a") as file:
            assert not take_lock(file, wait=False)
            other.kill()
            assert take_lock(file, wait=True)
            with path.open("a") as second:
                assert not take_lock(second.fileno(), wait=False)
    with locked(path), path.open("a") as file:
        assert not take_lock(file, wait=False)


def test_what_cannot_be_locked_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"), locked(tmp_path / "none" / "lock"):
        pass
