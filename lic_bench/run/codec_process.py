"""A codec at work in a process of its own: whatever crashes, hangs or exhausts memory there is a failed record here.

The run's end is CodecProcess, the other end `serve`. A question is (method, arguments); its answer is (value, failure,
ends): what a CodecWorker gave, or how it failed, and whether the process ends now because it can do no more. Nothing
heavy is imported before `serve` imports it, lean.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, cast

from lic_bench.machine import core_affinity
from lic_bench.measurement import memory_layout
from lic_bench.run import process_manners
from lic_bench.system import stop_signals
from lic_bench.system.processes import end_process, how_it_ended, start_in_group

if TYPE_CHECKING:
    from lic_bench.images.image_file import Image
    from lic_bench.measurement.failures import CodecFailure, Failure
    from lic_bench.measurement.rounds import Samples
    from lic_bench.run.worker_interface import CodecSetup, Saved
    from lic_bench.store.records import Complexity, FailureKind

PROGRAM = "import sys; sys.path[:] = sys.argv[3:]; from lic_bench.run.codec_process import serve; serve(*sys.argv[1:3])"
END_S = 2.0  # to end in order before it is ended
START_S = 300.0  # to import everything, on a slow disk
PROGRAMS = 5  # that one answer may need: two encoders and three decoders to code an image, measure memory and verify
CRASHES = 2  # in a row, after which no other is provoked
Answer = tuple[object, "Failure | None", bool]


class CodecProcess:
    """A Worker in a process of its own, started by `open` or the first question, and again after each end.

    setup.timeout_s: how long one answer, or one program, may take; then the process is ended. Raises CodecFailure for
    whatever fails there.
    """

    def __init__(self, setup: CodecSetup) -> None:
        self.setup = setup
        self._cores = frozenset(core_affinity.usable_cores())  # to import on; the run may be kept to fewer by then
        self._starts = 0
        self._images = 0
        self._quality = 0
        self._crashes = 0  # of this quality's last images, without one in between that went well
        self._crashed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    @property
    def pid(self) -> int:
        """The id of the process as it is now; 0 if there is none."""
        return self._process.pid if self._process else 0

    @property
    def has_ended(self) -> bool:
        """Whether it was started and is no longer there."""
        return self._process is not None and self._process.poll() is not None

    def open(self) -> None:
        """Start the process; returns at once."""
        if self._process is None:
            self._start()

    def ready(self) -> None:
        """Return when the process has imported everything."""
        self.open()
        if not self._is_ready:
            self._answer(START_S, "to start")
            self._is_ready = True

    def renew(self) -> None:
        """Start another process in place of this one."""
        self.close()
        self._start()

    def code(self, quality: int, image: Image) -> RemoteImage:
        """As a Worker; after CRASHES images in a row the others of that quality fail without being tried."""
        if quality != self._quality or not self._crashed:
            self._crashes = 0
        if self._crashes >= CRASHES:
            raise _failure(f"not tried: {CRASHES} images before ended this codec's process", "crash")
        self._quality, self._crashed = quality, False
        return self._coded("code", quality, image)

    def encode(self, quality: int, image: Image) -> RemoteImage:
        return self._coded("encode", quality, image)

    def payload_bytes(self, quality: int, image: Image) -> int:
        return cast(int, self.ask("payload_bytes", quality, image, restart=True))

    def code_batches(self, quality: int, images: Sequence[Image], batch: int) -> RemoteImage:
        return self._coded("code_batches", quality, images, batch, calls=len(images))

    def count_operations(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
        return cast("list[Complexity]", self.ask("count_operations", quality, size, restart=True))

    def release(self) -> None:
        if self._is_ready:
            self.ask("release")

    def close(self) -> None:
        """End the process: in order if it is idle, else by force."""
        if self._process is not None:
            self._pipe.close()
            end_process(self._process, END_S)

    def ask(self, method: str, *arguments: object, restart: bool = False, calls: int = 1) -> object:
        """The answer of the process. One that has ended is a failure, or with `restart` started again.

        calls: how many times setup.timeout_s the answer may take.
        """
        if self.has_ended:
            if not restart:
                raise self._ended()
            self.renew()
        self.ready()
        try:
            self._pipe.send((method, arguments))
        except OSError:
            raise self._ended() from None
        calls *= PROGRAMS if self.setup.spec.programs else 1  # each of which has its own limit
        return self._answer(calls * self.setup.timeout_s, "(--timeout)")

    def _coded(self, method: str, *arguments: object, calls: int = 1) -> RemoteImage:
        self._images += 1
        answer = self.ask(method, self._images, *arguments, restart=method != "encode", calls=calls)
        return RemoteImage(self, self._images, cast(dict[str, Any], answer), calls)

    def _start(self) -> None:
        """Where two have the same layout_seed, their n-th processes have the same memory layout."""
        self._starts += 1
        seed = f"{self.setup.layout_seed} {self._starts}" if self.setup.layout_seed else ""
        ours, theirs = socket.socketpair()
        alike = memory_layout.fixed_addresses() if seed else contextlib.nullcontext()
        with theirs, alike, core_affinity.keep_on_cores(self._cores):
            self._process = start_in_group(  # Ctrl-C is for the run, which then ends the codecs
                [sys.executable, "-c", PROGRAM, str(theirs.fileno()), seed, *sys.path],
                env=os.environ | (memory_layout.hash_seed_variables(seed) if seed else {}),
                pass_fds=[theirs.fileno()],
            )
        self._pipe = Connection(ours.detach())
        self._is_ready = False
        with contextlib.suppress(OSError):  # it is gone already, which the first question finds out
            self._pipe.send_bytes(pickle.dumps(replace(self.setup, layout_seed=seed)))

    def _answer(self, timeout_s: float, what: str) -> object:
        try:
            if not self._pipe.poll(timeout_s):
                self.close()
                raise self.counted(_failure(f"stopped: no answer within {timeout_s:g} s {what}", "timeout"))
            value, failure, ends = cast(Answer, self._pipe.recv())
        except (EOFError, OSError):
            raise self._ended() from None
        if ends:
            self.close()
        if failure is not None:
            error = _failure(failure.message, failure.kind)
            raise self.counted(error) if ends else error
        return value

    def _ended(self) -> CodecFailure:
        """The failure of a process that has ended, by its exit code."""
        self.close()
        code = self._process.returncode if self._process else None
        words, no_memory = f"its process {how_it_ended(code)}", code == -signal.SIGKILL  # as a full system ends it
        message = f"out of memory, or killed by hand: {words}" if no_memory else words
        return self.counted(_failure(message, "out_of_memory" if no_memory else "crash"))

    def counted(self, error: CodecFailure) -> CodecFailure:
        """The error, after it was counted as the end of a process.

        Once per image, whatever is asked about it afterwards.
        """
        self._crashes += not self._crashed
        self._crashed = True
        return error


@dataclass(slots=True)
class RemoteImage:
    """A CodedImage in a codec's process, or a Coded of several images.

    number: counts what was coded there. calls: images in one call of it.
    """

    process: CodecProcess
    number: int
    fields: dict[str, Any]
    calls: int = 1

    def warm_up(self) -> None:
        self.ask("warm_up")

    def turn(self) -> Samples:
        return cast("Samples", self.ask("turn"))

    def coded_and_decoded(self) -> Saved:
        return cast("Saved", self.ask("coded_and_decoded"))

    def phases(self) -> dict[str, list[float]]:
        return cast(dict[str, list[float]], self.ask("phases"))

    def energy(self) -> dict[str, float]:
        return cast(dict[str, float], self.ask("energy"))

    def ask(self, method: str) -> object:
        """What the LocalImage or LocalBatches there answer."""
        return self.process.ask("of_image", self.number, method, calls=self.calls)


def _failure(message: str, kind: FailureKind) -> CodecFailure:
    from lic_bench.measurement.failures import CodecFailure

    return CodecFailure(message, kind)


def serve(descriptor: str, layout_seed: str) -> None:
    """Answer questions until there are no more, then end this process.

    descriptor: the number of the socket to the run, from which a pickled CodecSetup comes first. The first answer says
    that all is ready.
    """
    os.set_inheritable(int(descriptor), False)  # else a program of the codec would keep it open
    pipe, code = Connection(int(descriptor)), 0
    process_manners.belong_to_parent()
    moved = memory_layout.reserve_address_space(layout_seed) if layout_seed else contextlib.nullcontext()
    try:
        with moved, contextlib.suppress(EOFError, OSError):
            code = _answer_questions(pipe)
    except stop_signals.Terminated:
        code = stop_signals.exit_code() or 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # at once: taking down what the imports built up costs a second and writes warnings of its own


def _answer_questions(pipe: Connection) -> int:
    """Exit code 1 once this process can do no more. Raises EOFError or OSError when there are no more questions."""
    answer, ends = _answering(pipe.recv_bytes()), False
    pipe.send((None, None, ends))
    while not ends:
        method, arguments = pipe.recv()
        process_manners.offer_to_be_killed(process_manners.BUSY)
        value, failure = answer(method, *arguments)
        ends = process_manners.gpu_context_is_lost()
        pipe.send((value, failure, ends))
        process_manners.offer_to_be_killed(process_manners.IDLE)
    return 1


def _answering(setup: bytes) -> Callable[..., tuple[object, Failure | None]]:
    """A function that puts questions to a worker of this setup, made in this process."""
    from lic_bench.codecs import lazy_compressai

    lazy_compressai.install_lazy_imports()
    import torch

    from lic_bench.machine.environment_record import apply_protocol_settings
    from lic_bench.measurement.failures import CodecFailure, Failure
    from lic_bench.run.codec_worker import CodecWorker
    from lic_bench.run.local_batches import LocalBatches
    from lic_bench.run.local_image import LocalImage

    made: CodecSetup = pickle.loads(setup)
    apply_protocol_settings(torch.device(made.device), made.threads)
    core_affinity.move_to_cores(made.cores)  # not before: the imports of several codecs may use all cores
    worker = CodecWorker(made)
    images: dict[int, LocalImage | LocalBatches] = {}  # the last one, by its number

    def put(method: str, *arguments: Any) -> object:
        if method == "of_image":
            number, name = arguments
            if number not in images:
                raise CodecFailure("another image was coded since")
            return getattr(images[number], name)()
        if method in ("code", "encode", "code_batches"):
            number, *rest = arguments
            image = getattr(worker, method)(*rest)
            images.clear()
            images[number] = image
            return image.fields
        return getattr(worker, method)(*arguments)

    def answer(method: str, *arguments: object) -> tuple[object, Failure | None]:
        try:
            return put(method, *arguments), None
        except Exception as error:
            return None, Failure.of(error)

    return answer
