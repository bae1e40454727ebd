"""The server that makes two commands take turns; lic_bench.run.turn_client is its client."""

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
from typing import IO, TypeAlias

from lic_bench.errors import UserError
from lic_bench.run.turn_client import GO, VARIABLE
from lic_bench.system.processes import end_process, how_it_ended, start_in_group

LOOK_S = 1.0  # between two looks whether a command that has not said its name has ended
END_S = 5.0  # to end in order
START_S = 600.0  # to say its name: on a slow disk the imports take minutes
TURN_S = 3600.0  # for one turn, the loading of networks and a warm-up included

Started: TypeAlias = tuple[subprocess.Popen[bytes], IO[bytes]]  # a process and the file with its output


def take_turns(commands: Mapping[str, Sequence[str]]) -> None:
    """Run both commands to their end; each works only while it has the turn.

    commands: the name that each says (its --out folder's) -> its words. The order is a b, b a, a b, ...: a steady drift
    of the machine hits both alike. Raises UserError where a command cannot be run, fails, or takes no turns.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="lic-bench-"))
        server = stack.enter_context(_listening(Path(folder) / "turns"))
        started = {name: stack.enter_context(_started(words, server)) for name, words in commands.items()}
        first, second = zip(_accept_connections(server, started, stack), started.values(), strict=True)
        working = [first, second]
        for turn in cycle((first, second, second, first)):
            if turn in working and not _give_turn(turn[0]):
                _check_exit_code(*turn[1])  # what failed ends the other too
                working.remove(turn)
            if not working:
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
def _started(command: Sequence[str], server: socket.socket) -> Iterator[Started]:
    """The process and the file with its output; it is terminated at the end if it still runs."""
    with TemporaryFile() as output:
        environment = os.environ | {VARIABLE: server.getsockname()}
        try:
            process = start_in_group(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        except OSError as error:
            raise UserError(f"Cannot run {command[0]}: {error.strerror}; look at --base-run and --new-run.") from None
        try:
            yield process, output
        finally:
            end_process(process, END_S, asked=False)


def _accept_connections(server: socket.socket, started: Mapping[str, Started], stack: ExitStack) -> list[socket.socket]:
    """The connections of all processes, in the order of `started`."""
    connections: dict[str, socket.socket] = {}
    until = monotonic() + START_S
    while len(connections) < len(started):
        waiting = [started[name] for name in started if name not in connections]
        if monotonic() > until:
            command = _command_of(waiting[0][0])
            raise UserError(f"{command} took no turn within {START_S:g} s; look at --base-run and --new-run.")
        try:
            connection = stack.enter_context(server.accept()[0])
        except TimeoutError:
            _check_still_running(waiting)
            continue
        connection.settimeout(TURN_S)
        line = b""
        while not line.endswith(b"\n") and (more := connection.recv(1)):
            line += more
        connections[line.decode(errors="replace").strip()] = connection
    return [connections[name] for name in started]


def _check_still_running(waiting: Sequence[Started]) -> None:
    """Raise UserError for a process that ended without having taken a turn."""
    for process, output in waiting:
        if process.poll() is not None:
            _check_exit_code(process, output)
            raise UserError(
                f"{_command_of(process)} took no turns: its lic-bench is older than --confirm, or all it was asked "
                "was measured before."
            ) from None


def _give_turn(connection: socket.socket) -> bool:
    """Give the turn and wait for its end; False if the other end is done."""
    try:
        connection.sendall(GO)
        return bool(connection.recv(1))
    except (BrokenPipeError, ConnectionResetError):
        return False
    except TimeoutError:
        raise UserError(f"--confirm: a run did not end its turn within {TURN_S:g} s.") from None


def _command_of(process: subprocess.Popen[bytes]) -> str:
    """The command that it runs, as for a shell."""
    return shlex.join(map(str, process.args)) if isinstance(process.args, list) else str(process.args)


def _check_exit_code(process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    """Wait for the process's end. Raises UserError, with the last line of its output, if it failed."""
    if code := process.wait():
        output.seek(0)
        messages = [line for line in output.read().decode(errors="replace").splitlines() if line.strip()]
        message = messages[-1].strip() if messages else "it output nothing"
        raise UserError(f"{_command_of(process)} {how_it_ended(code)}: {message}")
