"""Work that a copy of this process does at the same time, on another core."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def done_beside(work: Callable[[], object]) -> Iterator[None]:
    """Do `work` beside what is inside; at the end it is done, or has raised here. It may change nothing but files.

    Where processes cannot be copied, or other threads would be torn by it, or the copy fails, it is done here, at the
    end.
    """
    copy = _copied(work) if sys.platform == "linux" and threading.active_count() == 1 else None
    try:
        yield
    except BaseException:
        if copy is not None:
            os.kill(copy, signal.SIGKILL)
            os.waitpid(copy, 0)
        raise
    if copy is None or os.waitpid(copy, 0)[1] != 0:
        work()


def _copied(work: Callable[[], object]) -> int:
    """The id of a copy of this process that does the work and ends, with 0 if that went well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, for threads of NumPy's, which wait
        copy = os.fork()
    if copy == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return copy
