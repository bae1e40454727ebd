"""A lock between processes on an open file: held until the file is closed or the process ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def take_lock(file: int | IO[str], *, wait: bool) -> bool:
    """Whether the open file is now locked for its holder alone; always True with `wait`.

    Raises OSError where the file system has no locks, as some network drives.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock on a file, made if it is not there, and hold it. Raises OSError as `take_lock` and `open`."""
    with path.open("w") as file:
        take_lock(file, wait=True)
        yield
