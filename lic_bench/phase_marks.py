"""Marks for phases that are no submodule's call: `with mark(ENTROPY_CODER): ...`. Without a listener they do nothing.

lic_bench.measurement.phase_times listens during the call whose phases it measures, and only to its own thread.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

ENTROPY_CODER = "entropy coder"  # from Gaussians and symbols to bytes and back: choosing tables, rANS
COPIES = "copies"  # between the device and lists in host memory
OTHER = "other"  # all that is neither marked nor a declared submodule
TOTAL = "total"

Listener = Callable[[str], AbstractContextManager[None]]
_listener: ContextVar[Listener | None] = ContextVar("lic_bench_marks_listener", default=None)
_nothing = nullcontext()


def mark(name: str) -> AbstractContextManager[None]:
    """What runs inside belongs to phase `name`; of nested marks and submodules the inner one counts."""
    listener = _listener.get()
    return _nothing if listener is None else listener(name)


@contextmanager
def listen_to_marks(listener: Listener) -> Iterator[None]:
    """Inside, each mark of this thread enters the context that `listener` returns for its name."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
