"""Starting other processes, ending them, and how they ended in words."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

Process: TypeAlias = subprocess.Popen[Any]
LAUNCHER = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")  # the program, once there is a line


def start_in_group(argv: Sequence[str | Path], *, pass_fds: Sequence[int] = (), **options: Any) -> Process:
    """A process with nothing on its standard input, in a group of its own; options: of subprocess.Popen.

    Ctrl-C does not reach it, and whatever it starts can be ended with it. On Linux it is killed with its group as soon
    as this process ends, however that ends, or lets the Popen go; but for the milliseconds until this returns. Raises
    OSError where it cannot be started.
    """
    options = {"stdin": subprocess.DEVNULL, **options}
    leash, held = os.pipe()
    try:
        process = subprocess.Popen(list(map(str, argv)), start_new_session=True, pass_fds=[*pass_fds, leash], **options)
    except BaseException:
        os.close(held)
        raise
    else:
        weakref.finalize(process, os.close, held)
        _kill_at_end_of(leash, process.pid)
    finally:
        os.close(leash)
    return process


def start_program(argv: Sequence[str | Path], **options: Any) -> Process:
    """As `start_in_group`, without its exception: the program begins, a millisecond later, once its end is certain.

    Raises OSError where its file is not there or cannot be executed.
    """
    program = shutil.which(argv[0]) or argv[0]
    if not os.access(program, os.X_OK):
        error = errno.EACCES if Path(program).exists() else errno.ENOENT
        raise OSError(error, os.strerror(error))
    waiting, go = os.pipe()
    try:
        process = start_in_group([*LAUNCHER, program, *argv[1:]], stdin=waiting, **options)
        with suppress(BrokenPipeError):  # it was ended
            os.write(go, b"\n")
    finally:
        os.close(waiting)
        os.close(go)
    return process


def _kill_at_end_of(pipe: int, group: int) -> None:
    """Have Linux send SIGKILL to a group, which has the reading end `pipe` too, once nobody can write there any more.

    Neither side has to do anything then: one may hang, the other is gone. PR_SET_PDEATHSIG would be for the group's
    first process alone, and has to be asked for in the child: a fork in which Python runs is unsafe beside threads.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETOWN, -group)
            fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def end_process(process: subprocess.Popen[Any], grace_s: float, *, asked: bool = True) -> None:
    """End a process, and all of its group if it leads one: by SIGTERM and, `grace_s` seconds later, by SIGKILL.

    asked: the caller has told it to end, as by closing its pipe, so that it first has `grace_s` to do so by itself.
    Returns `grace_s` after SIGKILL at the latest: inside a driver a process may hang for much longer.
    """
    leads_group = process.poll() is None and os.getpgid(process.pid) == process.pid
    for number in (None, signal.SIGTERM, signal.SIGKILL) if asked else (signal.SIGTERM, signal.SIGKILL):
        if number and process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                (os.killpg if leads_group else os.kill)(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
            break
    if leads_group:
        kill_group(process.pid)


def kill_group(pid: int) -> None:
    """Send SIGKILL to every process of the group that `pid` leads, or led: its children may still be there."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def how_it_ended(returncode: int | None) -> str:
    """The return code of a Popen in words that follow its subject: "was ended by SIGKILL"; None: it still runs."""
    if returncode is None:
        return "cannot be ended"
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:  # most real-time signals have no name
        return f"was ended by signal {-returncode}"
