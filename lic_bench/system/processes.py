"""Starting other processes, ending them, and how they ended in words."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


def start_in_group(argv: Sequence[str | Path], **options: Any) -> subprocess.Popen[Any]:
    """A process with nothing on its standard input, in a group of its own; options: of subprocess.Popen.

    Ctrl-C does not reach it, and whatever it starts can be ended with it. Raises OSError where it cannot be started.
    """
    return subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, start_new_session=True, **options)


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
