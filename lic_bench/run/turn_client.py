"""Two runs that take turns: each works only while it has the baton, and gives it on after every round.

`lic-bench compare --confirm` passes it between the two versions that it measures, over a Unix socket whose path is in
LIC_BENCH_BATON. A run says its name in a line, waits for a byte, works, sends a byte, waits, and so on; the end of the
connection is the end of its work, or of the waiting.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from lic_bench.errors import UserError

VARIABLE = "LIC_BENCH_BATON"
GO, DONE = b"+", b"-"


def is_asked() -> bool:
    """Whether this run is to take turns with another."""
    return VARIABLE in os.environ


def layout_seed() -> str:
    """The seed of the memory layouts that the processes of both runs have; "" if this run is alone."""
    return os.environ.get(VARIABLE, "")


@contextmanager
def in_turn(name: str) -> Iterator[Callable[[], None]]:
    """Wait for the baton under this name; at the end it is given on for good. Raises UserError where nobody gives it.

    Yields a function that lets the other run work, until that gives the baton back or ends; it raises likewise.
    """
    path = os.environ[VARIABLE]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
            connection.sendall(f"{name}\n".encode())
        except OSError as error:
            raise UserError(f"{VARIABLE}={path}: nobody there gives turns ({error.strerror}); unset it.") from None
        _wait(connection)
        yield partial(_pass_on, connection)


def _pass_on(connection: socket.socket) -> None:
    with suppress(OSError):  # the answer says it
        connection.sendall(DONE)
    _wait(connection)


def _wait(connection: socket.socket) -> None:
    """Return once it is this run's turn."""
    try:
        given = connection.recv(1)
    except OSError:
        given = b""
    if not given:
        raise UserError(f"{VARIABLE}: what gave the turns is gone; a run that works unasked would disturb others.")
