"""A codec at work in a process of its own: what it crashes, hangs or exhausts there is a failed record here."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, cast

from lic_bench.images.image_file import Image
from lic_bench.machine import core_affinity
from lic_bench.measurement import memory_layout as layout
from lic_bench.measurement.failures import OUT_OF_MEMORY, CodecFailure
from lic_bench.run.codec_worker import Bench, Recipe, Samples
from lic_bench.store.records import Complexity

PROGRAM = (
    "import sys; sys.path[:] = sys.argv[3:]; from lic_bench.run.codec_process_main import serve; serve(*sys.argv[1:3])"
)
START_S = 300.0  # to import everything, on a slow disk
END_S = 2.0  # to end in order before it is ended
ALONE = frozenset(("code", "complexity"))  # questions that refer to none before
CRASHES = 2  # in a row, after which no other is provoked


class Crashed(CodecFailure):
    """The codec's process ended or was stopped, and everything it had in memory with it."""


class Remote:
    """A Bench in a process of its own, started by `open` or the first question, and again after each end.

    See bench.Work for its methods.

    recipe.timeout_s: how long one call may take; then the process is ended. Raises CodecFailure for whatever fails
    there.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._cores = frozenset(core_affinity.usable_cores())  # to import on; the run may be kept to fewer by then
        self._starts = 0
        self._quality = 0
        self._crashes = 0  # of this quality's last images, without one in between that went well
        self._crashed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def open(self) -> None:
        """See Work. Returns at once."""
        if self._process is None:
            self._start()

    def ready(self) -> None:
        """See Work."""
        self.open()
        if not self._ready:
            self._answer(START_S, "to start")
            self._ready = True

    def renew(self) -> None:
        """See Work."""
        self._end()
        self._start()

    @property
    def pid(self) -> int:
        """Of the process as it is now."""
        return self._process.pid if self._process else 0

    def code(self, quality: int, image: Image) -> dict[str, Any]:
        """See Work. After CRASHES images in a row the others of that quality fail without being tried."""
        if quality != self._quality or not self._crashed:
            self._crashes = 0
        if self._crashes >= CRASHES:
            raise CodecFailure(f"not tried: {CRASHES} images before ended this codec's process")
        self._quality, self._crashed = quality, False
        return cast(dict[str, Any], self._ask("code", quality, image))

    def again(self, quality: int, image: Image) -> None:
        """See Work."""
        self._ask("again", quality, image)

    def warm_up(self) -> None:
        """See Work."""
        self._ask("warm_up")

    def turn(self) -> Samples:
        """See Work."""
        return cast(Samples, self._ask("turn"))

    def phases(self) -> dict[str, list[float]]:
        """See Work."""
        return cast(dict[str, list[float]], self._ask("phases"))

    def energy(self) -> dict[str, float]:
        """See Work."""
        return cast(dict[str, float], self._ask("energy"))

    def release(self) -> None:
        """See Work."""
        if self._ready:
            self._ask("release")

    def complexity(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
        """See Work."""
        return cast(list[Complexity], self._ask("complexity", quality, size))

    def close(self) -> None:
        """End the process, in order if it is idle."""
        self._end()

    def _start(self) -> None:
        """Each start has a draw of its own, see Recipe; the n-th of two with the same recipe have the same."""
        self._starts += 1
        draw = f"{self.recipe.draw} {self._starts}" if self.recipe.draw else ""
        ours, theirs = socket.socketpair()
        alike = layout.fixed_addresses() if draw else contextlib.nullcontext()
        with theirs, alike, core_affinity.keep_on_cores(self._cores):
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(theirs.fileno()), draw, *sys.path],
                env=os.environ | (layout.hash_seed_variables(draw) if draw else {}),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the run, which then ends the codecs
            )
        self._pipe = Connection(ours.detach())
        self._ready = False
        with contextlib.suppress(OSError):  # it is gone already, which the first question finds out
            self._pipe.send_bytes(pickle.dumps(replace(self.recipe, draw=draw)))

    def _ask(self, method: str, *arguments: object) -> object:
        if self._process and self._process.poll() is not None:
            if method not in ALONE:
                raise self._crash()
            self._end()
            self._process = None
        self.ready()
        try:
            self._pipe.send((method, arguments))
        except OSError:
            raise self._crash() from None
        return self._answer(self.recipe.timeout_s, "(--timeout)")

    def _answer(self, timeout_s: float, what: str) -> object:
        try:
            if not self._pipe.poll(timeout_s):
                self._end()
                raise self._counted(Crashed(f"stopped: no answer within {timeout_s:g} s {what}"))
            good, value, ends = self._pipe.recv()
        except (EOFError, OSError):
            raise self._crash() from None
        if ends:
            self._end()
            crashed = self._counted(Crashed(value))
        if not good:
            raise crashed if ends else CodecFailure(value)
        return value

    def _crash(self) -> Crashed:
        self._end()
        return self._counted(Crashed(how_it_ended(self._process.returncode if self._process else None)))

    def _counted(self, error: Crashed) -> Crashed:
        self._crashes += not self._crashed  # one image counts once, whatever is asked about it afterwards
        self._crashed = True
        return error

    def _end(self) -> None:
        """Let the process end, by force if need be, and close what belongs to it."""
        if self._process is None:
            return
        self._pipe.close()
        for end in (None, self._process.terminate, self._process.kill):
            if end:
                end()
            with contextlib.suppress(subprocess.TimeoutExpired):  # after the last: a driver may hold it for long
                self._process.wait(END_S)
                return


def how_it_ended(code: int | None) -> str:
    """A process's exit code in words; SIGKILL is what a system out of memory sends."""
    if code is None:
        return "its process cannot be ended"
    if code >= 0:
        return f"its process ended with exit code {code}"
    name = signal.Signals(-code).name
    if name == "SIGKILL":
        return f"{OUT_OF_MEMORY}, or killed by hand: its process was ended by SIGKILL"
    return f"its process was ended by {name}"


@contextlib.contextmanager
def at_work(recipes: Sequence[Recipe], *, isolate: bool) -> Iterator[dict[str, Bench | Remote]]:
    """codec -> its Work, each in a process of its own if `isolate`, else all in this one."""
    works: dict[str, Bench | Remote] = {}
    try:
        for recipe in recipes:
            works[recipe.spec.name] = Remote(recipe) if isolate else Bench(recipe)
        yield works
    finally:
        for work in works.values():
            work.close()
