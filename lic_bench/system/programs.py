"""Other people's programs that code images: where they are, running them, and their errors in one line."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lic_bench.errors import UserError
from lic_bench.system.named_folders import named_folder
from lic_bench.system.processes import how_it_ended, kill_group, start_program
from lic_bench.system.workspaces import note_program, workspace

LAST_LINES, LONGEST = 3, 400  # of a program's output in an error message
BANNER_S = 60.0  # for a program to say its version
ADDRESS = re.compile(r"^(\[[^\]]*@ 0x[0-9a-f]+\]\s*)+")  # of the parts of FFmpeg that speak
Finished = subprocess.CompletedProcess[str]  # bytes that are no UTF-8 are replaced
_running: set[subprocess.Popen[str]] = set()
_guard = threading.Lock()


class ProgramError(UserError):
    """A program is missing, could not be started, failed or took too long.

    One line: the program, how it ended, what it said.
    """


class ProgramTimeout(ProgramError):
    """A program took longer than it may, and was stopped."""


@dataclass(frozen=True, slots=True)
class InstalledCoder:
    """A coder that can be run. version: as it says itself. mode: the colour path or pixel format asked of it, if any.
    place: where it is. files: the programs and configurations that decide what it does."""

    version: str
    mode: str | None
    place: str
    files: tuple[Path, ...] = ()


def find_program(names: Sequence[str], root: Path | None = None, env: str | None = None) -> Path | None:
    """The first executable of one of these names, or None.

    Looked for in `root` alone if given; else in the folder that the environment variable `env` names, if it is set;
    else on PATH. A folder counts with its bin/ and what is below that.
    """
    home = named_folder(root or (os.environ.get(env) if env else None))
    if home is None:
        on_path = next(filter(None, map(shutil.which, names)), None)
        return Path(on_path).absolute() if on_path else None
    places = [path for name in names for path in (home / name, home / "bin" / name)]
    places += [path for name in names for path in sorted((home / "bin").rglob(name))]
    executables = (path for path in places if path.is_file() and os.access(path, os.X_OK))
    return next((path.absolute() for path in executables), None)


def need_program(names: Sequence[str], root: Path | None = None, env: str | None = None) -> Path:
    """What `find_program` finds. Raises ProgramError, which says where it was looked for, if there is none."""
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


def run_program(argv: Sequence[str | Path], folder: Path, *, timeout_s: float | None) -> Finished:
    """Run a program in a workspace and wait for it. It has a process group of its own, which ends with it.

    Raises ProgramError where it cannot be started, ends with an exit code other than 0, or is not done in timeout_s.
    """
    finished = _run(argv, folder, timeout_s, "it took longer than")
    if finished.returncode:
        last_words = last_lines(finished.stderr) or last_lines(finished.stdout) or "silent"
        raise ProgramError(f"{Path(argv[0]).name} {how_it_ended(finished.returncode)}: {last_words}")
    return finished


def stop_programs() -> None:
    """End every program that this process runs; the threads that wait for them get a ProgramError."""
    with _guard:
        for process in _running:
            kill_group(process.pid)


@cache
def banner(program: Path, *arguments: str) -> str:
    """The first line that the program writes when called with these arguments, whatever its exit code; "" for none."""
    with workspace("banner") as folder:
        finished = _run([program, *arguments], folder, BANNER_S, "it did not say its version in")
    return next((line.strip() for line in f"{finished.stdout}\n{finished.stderr}".splitlines() if line.strip()), "")


def last_lines(text: str) -> str:
    """The last lines of a program's output that are neither empty nor repeated, in one."""
    unique = dict.fromkeys(" ".join(ADDRESS.sub("", line).split()) for line in text.splitlines())
    return " | ".join([line for line in unique if line][-LAST_LINES:])[-LONGEST:]


def _run(argv: Sequence[str | Path], folder: Path, timeout_s: float | None, late: str) -> Finished:
    """Run a program to its end, after which its group is gone. late: what an error says before the seconds."""
    name = Path(argv[0]).name
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        process = start_program(argv, cwd=folder, encoding="utf-8", errors="replace", **pipes)
    except OSError as error:
        raise ProgramError(f"{name} cannot be started: {error.strerror} ({argv[0]}).") from None
    with process:  # closes the pipes
        with _guard:
            _running.add(process)
        try:
            note_program(folder, process.pid)
            stdout, stderr = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise ProgramTimeout(f"{name} was stopped: {late} {timeout_s:g} s.") from None
        finally:
            kill_group(process.pid)  # a child that survived its parent keeps the number of the group taken
            process.wait()
            with _guard:
                _running.discard(process)
    return Finished(argv, process.returncode, stdout, stderr)
