"""The other end: what a worker process of the cluster does for a run. Dask calls these functions there."""

from __future__ import annotations

import logging
import pickle
import socket
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import perf_counter, sleep

from lic_bench.codecs.bitstream_cache import BitstreamCache, cache_folder, cache_trouble
from lic_bench.codecs.registry import find_programs
from lic_bench.errors import UserError
from lic_bench.images.image_file import read_image, read_pixels
from lic_bench.machine import core_affinity
from lic_bench.machine.device import choose_device
from lic_bench.machine.environment_record import (
    apply_protocol_settings,
    describe_environment,
    environment_fingerprint,
)
from lic_bench.machine.machine_lock import hold_machine
from lic_bench.machine.software import own_software
from lic_bench.measurement.failures import Failure
from lic_bench.run.cluster.chunks import (
    Answer,
    BatchChunk,
    Chunk,
    CountChunk,
    ImageChunk,
    Introduction,
    NodeFile,
    Orders,
    OtherRun,
    PerceptualChunk,
    with_files_at,
)
from lic_bench.run.cluster.node_files import NodeFiles
from lic_bench.run.counting import count
from lic_bench.run.image_turns import Hooks, ImageTurns
from lic_bench.run.machine_facts import own_fingerprint
from lic_bench.run.perceptual_turns import scores_of
from lic_bench.run.saved_images import save_coded
from lic_bench.run.session import at_work
from lic_bench.run.settings import settings_of, setup_of
from lic_bench.run.throughput import measure_batches
from lic_bench.run.worker_interface import Worker
from lic_bench.spec import CodecSpec
from lic_bench.store.records import COSTS, Throughput
from lic_bench.store.saved_files import SAVED
from lic_bench.system.programs import stop_programs

HINDSIGHT_S = 0.3  # after a failure, for the signal that ended a codec to reach this process too
_turn = Lock()  # one chunk at a time in a process, whatever its number of threads
_bench: Bench | None = None


class Bench:
    """A run in this process. Its codecs stay loaded from chunk to chunk, until a chunk needs others."""

    def __init__(self, orders: Orders) -> None:
        self.run = orders.run
        self.files = NodeFiles(orders)
        files = {codec: self.files.places_of(named) for codec, named in orders.session.files.items()}
        metrics = replace(orders.session.metrics, files=self.files.places_of(orders.session.metrics.files))
        streams = {
            codec: {quality: self.files.places_of(by_image) for quality, by_image in of_codec.items()}
            for codec, of_codec in orders.session.streams.items()
        }
        programs = {spec.name: coder for spec in orders.session.specs if (coder := find_programs(spec))}
        self.session = replace(orders.session, files=files, streams=streams, metrics=metrics, programs=programs)
        self.orders = orders
        self.settings = settings_of(self.session, orders.options, orders.parts, timed=orders.timed)
        self.stops = False
        self._loaded = ExitStack()
        self._workers: dict[str, Worker] = {}

    def carry_out(self, chunk: Chunk) -> Answer:
        """What comes of a chunk whose files are here.

        Raises OtherRun where the run was stopped, UserError where this worker ends, which may be why something failed.
        """
        answer = Answer()
        held = hold_machine(answer.notes.append) if self.orders.timed else nullcontext()
        with held, core_affinity.keep_on_cores(self.settings.cores):
            if isinstance(chunk, PerceptualChunk):
                self._score(chunk, answer)
            elif isinstance(chunk, CountChunk):
                worker = self._at_work([chunk.spec])[chunk.spec.name]
                answer.counts = count(worker, chunk.spec, chunk.quality, chunk.size)
            elif isinstance(chunk, BatchChunk):
                self._batches(with_files_at(chunk, self.files.places), answer)
            else:
                self._images(with_files_at(chunk, self.files.places), answer)
        if answer.has_failures:
            sleep(HINDSIGHT_S)
        if self.stops:
            self.close()
            raise OtherRun("the run was stopped")
        if answer.has_failures and _leaves():
            self.close()
            raise UserError("it is about to end")
        if trouble := cache_trouble():
            answer.notes.append(trouble)
        return answer

    def close(self) -> None:
        """Let the codecs go, and end their processes."""
        self._workers = {}
        self._loaded.close()

    def _images(self, chunk: ImageChunk, answer: Answer) -> None:
        workers = self._at_work(list({job.spec.name: job.spec for job in chunk.jobs}.values()))
        with TemporaryDirectory(prefix="lic-bench-", dir=self.files.folder) as folder:
            save = partial(save_coded, run=Path(folder), kinds=self.settings.parts)
            turns = ImageTurns(workers, self.settings, Hooks(coded=save, note=answer.notes.append))
            for _, jobs in groupby(chunk.jobs, key=lambda job: job.image.name):
                if self.stops:
                    return
                answer.records += [(result.record, result.seconds) for result in turns.measure(list(jobs))]
            for kind in SAVED:
                for file in sorted((Path(folder) / kind).glob("*")):
                    answer.saved.append((kind, file.stem, file.read_bytes()))

    def _batches(self, chunk: BatchChunk, answer: Answer) -> None:
        workers = self._at_work([chunk.jobs[0].spec])
        log = KeptRows(answer.batches)
        measure_batches(chunk.jobs, workers, self.settings, log, answer.notes.append, lambda: None)

    def _score(self, chunk: PerceptualChunk, answer: Answer) -> None:
        image = chunk.images[0]
        original = replace(image, path=self.files.places.get(image.path, image.path)) if image.path else image
        with TemporaryDirectory(prefix="lic-bench-", dir=self.files.folder) as folder:
            picture = Path(folder) / "decoded.png"
            picture.write_bytes(chunk.data)
            try:
                pixels = partial(read_image, original), partial(read_pixels, picture)
                answer.scores = scores_of(pixels, chunk.turn.names, self.session.metrics.files)
            except Exception as error:
                answer.problem = Failure.of(error).message

    def _at_work(self, specs: Sequence[CodecSpec]) -> dict[str, Worker]:
        """codec -> its Worker; those of the last chunk if they are the same."""
        if [spec.name for spec in specs] != list(self._workers):
            self.close()
            self._loaded = ExitStack()
            setups = [setup_of(spec, self.session, self.settings) for spec in specs]
            self._workers = self._loaded.enter_context(at_work(setups, isolate=self.session.config.isolate))
        return self._workers


class KeptRows:
    """A log in memory: rows by key, in a list too."""

    def __init__(self, rows: list[Throughput]) -> None:
        self.list = rows
        self.rows: dict[tuple[str | int, ...], Throughput] = {}

    def append(self, row: Throughput) -> Throughput:
        self.list.append(row)
        self.rows[row.key] = row
        return row


def introduce(software: dict[str, str | None], orders: bytes) -> Introduction:
    """Begin with a run, in place of the one before. What prevents it is said in the answer, not raised.

    orders: pickled Orders, which are read only by the software that wrote them. Raises UserError where this is another.
    """
    global _bench
    for name, own in own_software().items():
        if own != software[name]:
            raise UserError(f"{name}: {own} there, {software[name]} in the run")
    with _turn:
        if _bench is not None:
            _bench.close()
            _bench = None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it would say of faults, the run says
        try:
            return _introduced(pickle.loads(orders))
        except UserError as error:
            return Introduction(host=socket.gethostname(), environment={}, fingerprint={}, problem=str(error))


def _introduced(orders: Orders) -> Introduction:
    global _bench
    session, config = orders.session, orders.session.config
    device = choose_device(str(session.device))
    apply_protocol_settings(device, config.threads)
    environment = describe_environment(device)
    bench = Bench(orders)
    if session.programs and not COSTS & orders.parts:
        BitstreamCache(cache_folder()).prepare()
    _bench = bench
    return Introduction(
        host=socket.gethostname(),
        environment=environment,
        fingerprint=environment_fingerprint(environment) | own_fingerprint(bench.session),
        lacking=frozenset(bench.files.lacking),
    )


def receive(run: str, file: NodeFile, data: bytes) -> None:
    """Keep a file that was sent."""
    with _turn:
        _of_run(run).files.keep(file, data)


def carry_out(run: str, chunk: Chunk, *_received: None) -> tuple[Answer, float]:
    """What comes of a chunk once its files were received, and the seconds that it took. Raises OtherRun."""
    with _turn:
        bench, start = _of_run(run), perf_counter()
        return bench.carry_out(chunk), perf_counter() - start


def make_way(run: str, folder: str) -> None:
    """End what this process does for an earlier start of the run: whoever began it holds its folder no more."""
    if _bench is not None and _bench.orders.folder == folder and _bench.run != run:
        stop(_bench.run)


def stop(run: str) -> None:
    """End what this process does for the run, now: called beside `carry_out`, from another thread."""
    bench = _bench
    if bench is not None and bench.run == run:
        bench.stops = True
        stop_programs()
        bench.close()


def _leaves() -> bool:
    """Whether this worker is about to end."""
    from distributed import Status, get_worker

    return bool(get_worker().status != Status.running)


def _of_run(run: str) -> Bench:
    if _bench is None or _bench.run != run or _bench.stops:
        raise OtherRun(run)
    return _bench
