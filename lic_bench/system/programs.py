"""Running other people's programs: where they are, a folder of their own for each call, their end, their errors."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from lic_bench.errors import UserError
from lic_bench.system.named_folders import named_folder

LOCK, CHILD = ".lock", ".program"  # files in a workspace: held while its owner lives; which process works in it
LAST_LINES, LONGEST = 3, 400  # of a program's output in an error message
ADDRESS = re.compile(r"^(\[[^\]]*@ 0x[0-9a-f]+\]\s*)+")  # of the parts of FFmpeg that speak
OURS = re.compile(r"-\d+-\w+$")  # the end of a workspace's name
_running: set[subprocess.Popen[str]] = set()
_guard = threading.Lock()


class ProgramError(UserError):
    """A program is missing, could not be started, failed or took too long.

    One line: the program, how it ended, what it said.
    """


@dataclass(frozen=True, slots=True)
class Found:
    """A coder that is there. version: what it says itself. mode: the colour path or pixel format asked of it, if any.
    place: where it is. files: programs and configurations that decide what it does."""

    version: str
    mode: str | None
    place: str
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """What a program wrote, as text; bytes that are no UTF-8 are replaced."""

    stdout: str
    stderr: str


def find_program(names: Sequence[str], root: Path | None = None, env: str | None = None) -> Path | None:
    """The first executable of one of these names, or None.

    Looked for in `root` alone if given; else in the folder that the environment variable `env` names, if it is set;
    else on PATH. A folder counts with its bin/ and what is below that.
    """
    home = named_folder(root or (os.environ.get(env) if env else None))
    if home is None:
        found = next(filter(None, map(shutil.which, names)), None)
        return Path(found).absolute() if found else None
    places = [path for name in names for path in (home / name, home / "bin" / name)]
    places += [path for name in names for path in sorted((home / "bin").rglob(name))]
    good = (path for path in places if path.is_file() and os.access(path, os.X_OK))
    return next((path.absolute() for path in good), None)


def need_program(names: Sequence[str], root: Path | None = None, env: str | None = None) -> Path:
    """As find_program. Raises ProgramError, which says where it was looked for, if there is none."""
    program = find_program(names, root, env)
    if program:
        return program
    named = os.environ.get(env) if env else None
    if root or not named:
        where = f"in {root} or its bin/" if root else "on PATH" + (f" or below ${env}" if env else "")
        raise ProgramError(f"{names[0]} is not {where}.")
    raise ProgramError(
        f"{names[0]} is not in ${env}, {named}, or its bin/; PATH is not searched while ${env} is set: "
        "name another folder or unset it."
    )


@contextlib.contextmanager
def workspace(prefix: str) -> Iterator[Path]:
    """A new empty folder for one call of a program, removed at the end.

    Those of runs that were killed are removed by the first workspace of the next process that makes one.
    """
    parent = _parent()
    with _locked(parent):
        folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-{os.getpid()}-", dir=parent))
        lock = (folder / LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def run_program(argv: Sequence[str | Path], folder: Path, *, timeout_s: float | None) -> Output:
    """Run a program in `folder` and wait for it. It has a process group of its own, which ends with it.

    Raises ProgramError where it cannot be started, ends with an exit code other than 0, or is not done in timeout_s.
    """
    name = Path(argv[0]).name
    process = _started([str(part) for part in argv], folder, name)
    try:
        _note_child(folder, process.pid)
        stdout, stderr = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{name} was stopped: it took longer than {timeout_s:g} s.") from None
    finally:
        _end(process)
    if process.returncode:
        raise ProgramError(f"{name} {_how(process.returncode)}: {last_lines(stderr) or last_lines(stdout) or 'silent'}")
    return Output(stdout, stderr)


def stop_programs() -> None:
    """End every program that this process runs; the threads that wait for them get a ProgramError."""
    with _guard:
        for process in _running:
            _kill_group(process.pid)


@cache
def banner(program: Path, *arguments: str) -> str:
    """The first line that the program writes when called with these arguments, whatever its exit code; "" for none."""
    with workspace("banner") as folder:
        process = _started([str(program), *arguments], folder, program.name)
        try:
            stdout, stderr = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            raise ProgramError(f"{program.name} was stopped: it did not say its version in 60 s.") from None
        finally:
            _end(process)
    return next((line.strip() for line in f"{stdout}\n{stderr}".splitlines() if line.strip()), "")


def last_lines(text: str) -> str:
    """The last lines of a program's output that are neither empty nor repeated, in one."""
    lines = dict.fromkeys(" ".join(ADDRESS.sub("", line).split()) for line in text.splitlines())
    return " | ".join([line for line in lines if line][-LAST_LINES:])[-LONGEST:]


def sweep(parent: Path) -> None:
    """Remove the workspaces whose owner is gone, and end the programs that still work in them."""
    with _locked(parent):
        for folder in (path for path in parent.iterdir() if OURS.search(path.name) and not path.is_symlink()):
            with contextlib.suppress(OSError), (folder / LOCK).open("a") as lock:  # or its owner is removing it now
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end_orphan(folder / CHILD)
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


@contextlib.contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Hold the lock of all workspaces: nobody sweeps between the making of a folder and of its own lock."""
    with (parent / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _started(argv: Sequence[str], folder: Path, name: str) -> subprocess.Popen[str]:
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramError(f"{name} cannot be started: {error.strerror} ({argv[0]}).") from None
    with _guard:
        _running.add(process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    """End what is left of the program and its children, and reap it."""
    _kill_group(process.pid)  # a child that survived its parent keeps the number of the group taken
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()
    with _guard:
        _running.discard(process)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _how(code: int) -> str:
    return f"was ended by signal {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"


def _note_child(folder: Path, pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess, OSError):
        (folder / CHILD).write_text(f"{pid} {psutil.Process(pid).create_time()}")


def _end_orphan(note: Path) -> None:
    """End the program that works on for a run that was killed; its number may belong to another process by now.

    Without a note the run was killed just after it had started the program: then it is known by where it works.
    """
    with contextlib.suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
        pid, born = note.read_text().split()
        if psutil.Process(int(pid)).create_time() == float(born):
            _kill_group(int(pid))
        return
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()) == note.parent and os.getpgid(process.pid) == process.pid:
                _kill_group(process.pid)
