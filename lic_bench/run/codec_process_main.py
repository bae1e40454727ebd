"""The process in which a codec works: it answers what a Bench is asked, until the run has no more questions.

Nothing heavy is imported here: what is, is imported by `serve`, lean.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread

from lic_bench.measurement.memory_layout import reserve_address_space

_PR_SET_PDEATHSIG = 1  # of Linux's prctl
LOOK_S = 1.0
BUSY, IDLE = 1000, 500  # of Linux's order of who goes when memory runs out: first a codec at work, never the run


def serve(number: str, draw: str) -> None:
    """Answer every question (method, arguments) with (True, result, ends) or (False, the failure in words, ends).

    number: the descriptor of the socket to the run, from which a pickled bench.Recipe comes first. The first answer
    says that all is ready; the end of the questions is the end of this process. draw: see Recipe.
    ends: whether this process ends after the answer, as it can do no more.
    """
    descriptor = int(number)
    os.set_inheritable(descriptor, False)  # else a program of the codec would keep it open
    pipe, ends = Connection(descriptor), False
    _belong()
    with reserve_address_space(draw) if draw else contextlib.nullcontext(), contextlib.suppress(EOFError, OSError):
        answer = _made(pipe.recv_bytes())
        pipe.send((True, None, ends))
        while not ends:
            question = pipe.recv()
            _offer(BUSY)
            good, value = answer(*question)
            ends = _context_is_lost()
            pipe.send((good, value, ends))
            _offer(IDLE)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(ends))  # at once: taking down what the imports built up costs a second and writes warnings of its own


def _made(recipe: bytes) -> Callable[[str, Sequence[object]], tuple[bool, object]]:
    """What answers questions to the recipe's bench, made in this process."""
    from lic_bench.codecs import lazy_compressai

    lazy_compressai.install_lazy_imports()
    import torch

    from lic_bench.machine import core_affinity
    from lic_bench.machine.environment_record import apply_protocol_settings
    from lic_bench.measurement.failures import describe
    from lic_bench.run.codec_worker import Bench

    made = pickle.loads(recipe)
    apply_protocol_settings(torch.device(made.device), made.threads)
    core_affinity.move_to_cores(made.cores)  # not before: the imports of several codecs may use all cores
    bench = Bench(made)

    def answer(method: str, arguments: Sequence[object]) -> tuple[bool, object]:
        try:
            return True, getattr(bench, method)(*arguments)
        except Exception as error:
            return False, describe(error)

    return answer


def _context_is_lost() -> bool:
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


def _belong() -> None:
    """Leave Ctrl-C to the run, and end when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_outlive, args=(os.getppid(),), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _outlive(run: int) -> None:
    """End a while after the run, even where a codec hangs and hears no signal."""
    while os.getppid() == run:
        time.sleep(LOOK_S)
    time.sleep(LOOK_S)
    os._exit(1)


def _offer(score: int) -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(score))
