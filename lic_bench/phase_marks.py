"""Marks around what no submodule's call encloses: `with mark(ENTROPY_CODER): ...`; without a listener they do nothing.

The listener is of this thread (lic_bench.measurement.phase_times sets one for the call whose phases it takes), so that
codecs in other threads are not heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

ENTROPY_CODER = "entropy coder"  # from Gaussians and symbols to bytes and back: choosing tables, rANS
COPIES = "copies"  # between the device and lists in host memory
OTHER = "other"  # whatever nothing is known of
TOTAL = "total"

Listener = Callable[[str], AbstractContextManager[None]]
_listener: ContextVar[Listener | None] = ContextVar("lic_bench_marks_listener", default=None)
_nothing = nullcontext()


def mark(name: str) -> AbstractContextManager[None]:
    """What runs inside belongs to phase `name`; of marks and submodules inside each other the inner one counts."""
    listener = _listener.get()
    return _nothing if listener is None else listener(name)


@contextmanager
def listen_to_marks(listener: Listener) -> Iterator[None]:
    """Inside, each mark of this thread enters what `listener` gives for its name."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
