"""How a codec's process behaves beside the run that started it: it never outlives the run, and goes first."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from lic_bench.system import stop_signals

LOOK_S = 1.0  # between two looks whether the run is still there
BUSY, IDLE = 1000, 500  # of Linux's order of who goes when memory runs out: first a codec at work, never the run


def belong_to_parent() -> None:
    """Leave Ctrl-C to the run, end when it ends, and print where errors are printed, as the output is the run's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_signals.raise_on_signals()
    os.dup2(2, 1)
    if sys.platform != "linux":  # which kills it, see system.processes
        Thread(target=_end_after, args=(os.getppid(),), daemon=True).start()


def _end_after(parent: int) -> None:
    """End a while after the run."""
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    time.sleep(LOOK_S)
    os._exit(1)


def offer_to_be_killed(score: int) -> None:
    """Tell Linux how readily it may end this process when memory runs out, from 0 to 1000."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(score))


def gpu_context_is_lost() -> bool:
    """Whether this process can use its GPU no more, as after an illegal access: every call fails from then on.

    Asked twice, as an error that passes is told once.
    """
    import torch

    started: Callable[[], bool] = torch.cuda.is_initialized
    return started() and _fails(torch.cuda.synchronize) and _fails(torch.cuda.synchronize)


def _fails(call: Callable[[], object]) -> bool:
    try:
        call()
    except RuntimeError:  # torch.AcceleratorError is one
        return True
    return False
