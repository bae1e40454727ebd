"""Two commands that take turns: the giving end of lic_bench.run.turn_client."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from time import monotonic
from typing import IO

from lic_bench.errors import UserError
from lic_bench.run.turn_client import GO, VARIABLE
from lic_bench.system.processes import end_process, how_it_ended, start_in_group

LOOK_S = 1.0  # between two looks whether a command that has not said its name has ended
END_S = 5.0  # to end in order
START_S = 600.0  # to say its name: on a slow disk the imports take minutes
TURN_S = 3600.0  # for one turn, the loading of networks and a warm-up included


def take_turns(commands: Mapping[str, Sequence[str]]) -> None:
    """Run both commands to their end; each works only while it has the baton.

    commands: the name that each says (its --out folder's) -> its words. The order is a b, b a, a b, ...: a steady drift
    of the machine hits both alike. Raises UserError where a command cannot be run, fails, or takes no turns.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="lic-bench-"))
        server = stack.enter_context(_listening(Path(folder) / "baton"))
        started = {name: stack.enter_context(_started(words, server)) for name, words in commands.items()}
        a, b = zip(_connected(server, started, stack), started.values(), strict=True)
        left = [a, b]
        for turn in cycle((a, b, b, a)):
            if turn in left and not _worked(turn[0]):
                process, said = turn[1]
                _check(process.wait(), _words(process), said)  # what failed ends the other too
                left.remove(turn)
            if not left:
                break


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        try:
            server.bind(str(path))
        except OSError as error:  # of a path of over 107 bytes it says no more
            raise UserError(f"--confirm: no socket in {path.parent} ({error}); set TMPDIR to another.") from None
        server.listen()
        server.settimeout(LOOK_S)
        yield server


@contextmanager
def _started(words: Sequence[str], server: socket.socket) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The process and the file that has what it says; it is ended if it has not ended by itself."""
    with TemporaryFile() as said:
        environment = os.environ | {VARIABLE: server.getsockname()}
        try:
            process = start_in_group(words, env=environment, stdout=said, stderr=subprocess.STDOUT)
        except OSError as error:
            raise UserError(f"Cannot run {words[0]}: {error.strerror}; look at --base-run and --new-run.") from None
        try:
            yield process, said
        finally:
            end_process(process, END_S, asked=False)


def _connected(
    server: socket.socket, started: Mapping[str, tuple[subprocess.Popen[bytes], IO[bytes]]], stack: ExitStack
) -> list[socket.socket]:
    """The connections of all processes, in the order of `started`."""
    found: dict[str, socket.socket] = {}
    until = monotonic() + START_S
    while len(found) < len(started):
        if monotonic() > until:
            late = next(process for name, (process, _) in started.items() if name not in found)
            raise UserError(f"{_words(late)} took no turn within {START_S:g} s; look at --base-run and --new-run.")
        try:
            connection = stack.enter_context(server.accept()[0])
        except TimeoutError:
            for name, (process, said) in started.items():
                if name not in found and process.poll() is not None:
                    _check(process.returncode, _words(process), said)
                    raise UserError(
                        f"{_words(process)} took no turns: its lic-bench is older than --confirm, or all it was asked "
                        "was measured before."
                    ) from None
            continue
        connection.settimeout(TURN_S)
        line = b""
        while not line.endswith(b"\n") and (more := connection.recv(1)):
            line += more
        found[line.decode(errors="replace").strip()] = connection
    return [found[name] for name in started]


def _worked(connection: socket.socket) -> bool:
    """Give the baton and wait for it; False once the other end is through."""
    try:
        connection.sendall(GO)
        return bool(connection.recv(1))
    except (BrokenPipeError, ConnectionResetError):
        return False
    except TimeoutError:
        raise UserError(f"--confirm: a run did not end its turn within {TURN_S:g} s.") from None


def _words(process: subprocess.Popen[bytes]) -> str:
    """Its command."""
    return shlex.join(map(str, process.args)) if isinstance(process.args, list) else str(process.args)


def _check(code: int, words: str, said: IO[bytes]) -> None:
    if code:
        said.seek(0)
        lines = [line for line in said.read().decode(errors="replace").splitlines() if line.strip()]
        raise UserError(f"{words} {how_it_ended(code)}: {lines[-1].strip() if lines else 'it said nothing'}")
