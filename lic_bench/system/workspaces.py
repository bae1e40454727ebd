"""Temporary folders, one for each call of a program, that are cleared up even after a run that was killed."""

import contextlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil

from lic_bench.errors import UserError
from lic_bench.system.file_lock import locked, take_lock
from lic_bench.system.processes import kill_group

LOCK, PROGRAM = ".lock", ".program"  # files in a workspace: held while its owner lives; which process works in it
NAME_END = re.compile(r"-\d+-\w+$")  # of a workspace


@contextlib.contextmanager
def workspace(prefix: str) -> Iterator[Path]:
    """A new empty folder for one call of a program, removed at the end.

    Those of runs that were killed are removed by the first workspace of the next process that makes one.
    """
    parent = _parent()
    with locked(parent / LOCK):  # or a sweep would take the folder before its own lock is held
        folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-{os.getpid()}-", dir=parent))
        lock = (folder / LOCK).open("w")
        take_lock(lock, wait=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def note_program(folder: Path, pid: int) -> None:
    """Note which process works in a workspace, to be ended by a sweep if this process is killed."""
    with contextlib.suppress(psutil.NoSuchProcess, OSError):
        (folder / PROGRAM).write_text(f"{pid} {psutil.Process(pid).create_time()}")


def sweep(parent: Path) -> None:
    """Remove the workspaces whose owner is gone, and end the programs that still work in them."""
    with locked(parent / LOCK):
        for folder in (path for path in parent.iterdir() if NAME_END.search(path.name) and not path.is_symlink()):
            with contextlib.suppress(OSError), (folder / LOCK).open("a") as lock:  # or its owner is removing it now
                if take_lock(lock, wait=False):
                    _end_orphan(folder / PROGRAM)
                    shutil.rmtree(folder, ignore_errors=True)


@cache
def _parent() -> Path:
    """The folder of all workspaces of this user, swept once per process."""
    parent = Path(tempfile.gettempdir()) / f"lic-bench-{os.getuid()}"
    try:
        parent.mkdir(mode=0o700, exist_ok=True)
        _check_own(parent)
        sweep(parent)
    except OSError as error:
        raise UserError(f"Cannot write to {parent}: {error.strerror}; name another folder by TMPDIR.") from None
    return parent


def _check_own(parent: Path) -> None:
    """Raise UserError for a link, or a folder that others may write to: what is in it would be removed."""
    info = parent.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o022:
        raise UserError(f"{parent} is not a folder of this user alone; remove it, or name another place by TMPDIR.")


def _end_orphan(note: Path) -> None:
    """End the program that works on for a run that was killed, unless its number belongs to another process by now.

    Without a note the run was killed just after it had started the program: then it is known by where it works.
    """
    with contextlib.suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
        pid, born = note.read_text().split()
        if psutil.Process(int(pid)).create_time() == float(born):
            kill_group(int(pid))
        return
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()) == note.parent and os.getpgid(process.pid) == process.pid:
                kill_group(process.pid)
