"""Two timed runs never at once, and none waits for one that is gone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.machine.machine_lock import hold_machine, lock_file

HOLDER = """
import sys, time
from lic_bench.machine.machine_lock import hold_machine
with hold_machine(print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_another_process_waits_and_says_so() -> None:
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        notes: list[str] = []

        def note(text: str) -> None:
            notes.append(text)
            other.kill()  # however it ends, the lock ends with it

        start = time.monotonic()
        with hold_machine(note):
            assert time.monotonic() - start < 30
        assert notes == ["waiting: another lic-bench run is taking times on this machine"]


def test_nobody_else_no_word() -> None:
    notes: list[str] = []
    for _ in range(2):
        with hold_machine(notes.append):
            assert lock_file().exists()
    assert notes == []


def test_a_lock_of_another_user_can_be_held() -> None:
    lock_file().touch()
    lock_file().chmod(0o444)  # as it looks to anybody but its owner
    before = os.umask(0o077)
    try:
        with hold_machine(pytest.fail):
            pass
        lock_file().unlink()
        with hold_machine(pytest.fail):
            assert lock_file().stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_a_lock_that_cannot_be_made_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lock_file().symlink_to("elsewhere")
    with pytest.raises(UserError, match=r"Cannot open .*name another folder by TMPDIR"), hold_machine(print):
        pass
