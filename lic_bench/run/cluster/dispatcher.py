"""Handing out chunks: each to one worker at a time, and to a second one if the first is lost, but never to a third."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from time import monotonic, sleep
from typing import TYPE_CHECKING

from lic_bench.errors import UserError
from lic_bench.run.cluster.chunks import Answer, Chunk, Codecs, NodeFile, OtherRun, PerceptualChunk, smaller_chunks
from lic_bench.run.cluster.connection import FETCH_S
from lic_bench.run.cluster.crew import LOOK_S, Crew, Member, Try, in_words
from lic_bench.run.session import Listener

if TYPE_CHECKING:
    from distributed import Future

TRIES = 2
BACK_S = 600.0  # for a scheduler to come back
SLOW, SLOW_S = 4.0, 60.0  # a straggler takes so many times the median of its codecs, and at least so many seconds


@dataclass(frozen=True, slots=True)
class Done:
    """A chunk that was done by the worker of that name, in so many seconds."""

    chunk: Chunk
    answer: Answer
    worker: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """A chunk that was given up. reason: one line."""

    chunk: Chunk
    reason: str


class Dispatcher:
    """Keeps every worker of the crew at work."""

    def __init__(self, crew: Crew, listener: Listener) -> None:
        self.crew = crew
        self.listener = listener
        self._pending: dict[Codecs, deque[Try]] = {}  # by what they need loaded, in the run's order
        self._told = -LOOK_S
        self._given_up: list[Lost] = []
        self._seconds: defaultdict[Codecs, list[float]] = defaultdict(list)
        self._files = {file.path: file for file in crew.orders.files}

    def carry_out(self, chunks: Iterable[Chunk]) -> Iterator[Done | Lost]:
        """Every chunk once, as it is done. Raises UserError where no worker is left, or the scheduler does not return.

        Ended early, it leaves nothing at the workers.
        """
        for chunk in chunks:
            self._pending.setdefault(chunk.codecs, deque()).append(Try(chunk))
        try:
            while self._pending or self._busy():
                yield from self._step()
        finally:
            if busy := self._busy():
                self.crew.connection.cancel([member.future for member in busy if member.future is not None])
                self.crew.stop()

    def _step(self) -> Iterator[Done | Lost]:
        """Look who is there, hand out what can be, take what came."""
        try:
            for member in self.crew.look():
                self._lose(member, f"worker {member.name} is gone")
            for member in self.crew.members.values():
                self._employ(member)
        except OSError:
            self._wait_for_scheduler()
        if monotonic() - self._told >= LOOK_S:
            self._tell()
        for kind, address, future in self.crew.news():
            if kind == "introduced":
                self.crew.admit(address, future)
                continue
            asked = self.crew.members.get(address)
            if asked and asked.future is future and (done := self._take(asked)):
                self._employ(asked)  # before anything is stored
                yield done
        yield from self._given_up
        self._given_up = []

    def _busy(self) -> list[Member]:
        return [member for member in self.crew.members.values() if member.doing]

    def _employ(self, member: Member) -> None:
        if member.doing is None and (task := self._choose(member)):
            self._hand_out(task, member)

    def _choose(self, member: Member) -> Try | None:
        """The next chunk for what the worker has loaded; else for what no other has; else the first of all."""
        if not self._pending:
            return None
        taken = {other.last for other in self.crew.members.values()}
        free = (codecs for codecs in self._pending if codecs not in taken)
        codecs = member.last if member.last in self._pending else next(free, next(iter(self._pending)))
        task = self._pending[codecs].popleft()
        if not self._pending[codecs]:
            del self._pending[codecs]
        return task

    def _again(self, tasks: Sequence[Try]) -> None:
        """Put chunks before all others for the same codecs."""
        for task in reversed(tasks):
            self._pending.setdefault(task.chunk.codecs, deque()).appendleft(task)

    def _hand_out(self, task: Try, member: Member) -> None:
        member.doing, member.since, member.last = task, monotonic(), task.chunk.codecs
        run, address = self.crew.orders.run, member.address
        try:
            chunk = task.chunk.ready_to_send() if isinstance(task.chunk, PerceptualChunk) else task.chunk
            sent = [self._send(file, member) for file in self._needed(task.chunk) if file.path in member.lacking]
            member.future = self.crew.connection.submit("carry_out", run, chunk, more=sent, at=address)
        except UserError as error:
            member.doing = None
            self._given_up.append(Lost(task.chunk, str(error)))
        except Exception as error:  # the worker is gone, or the scheduler, as the next look tells
            self._lose(member, f"on the way to worker {member.name}: {in_words(error)}")
        else:
            member.future.add_done_callback(lambda done: self.crew.events.put(("done", address, done)))

    def _needed(self, chunk: Chunk) -> list[NodeFile]:
        session = self.crew.orders.session
        paths = [image.path for image in chunk.images]
        paths += [session.files.get(codec, {}).get(quality) for codec, quality in chunk.codecs]
        for codec, quality in chunk.codecs:
            of_image = session.streams.get(codec, {}).get(quality, {})
            paths += [of_image.get(image.sha256 or "") for image in chunk.images] or of_image.values()
        paths += [] if chunk.codecs else session.metrics.files.values()
        return list({path: self._files[path] for path in paths if path in self._files}.values())

    def _send(self, file: NodeFile, member: Member) -> Future:
        """The future of a file on its way, which is sent once to each worker. Raises UserError where it is gone."""
        try:
            content = file.path.read_bytes()
        except OSError as error:
            raise UserError(f"Cannot read {file.path}: {error.strerror}.") from None
        data = self.crew.connection.send(content, member.address)
        received = self.crew.connection.submit("receive", self.crew.orders.run, file, more=[data], at=member.address)
        member.lacking.discard(file.path)
        return received

    def _take(self, member: Member) -> Done | None:
        """What a worker's future gave; None where the chunk has to be done again, or is given up."""
        task, future = member.doing, member.future
        if task is None or future is None:
            return None
        try:
            answer, seconds = future.result(timeout=FETCH_S)
        except OtherRun:
            self._again([task])
            del self.crew.members[member.address]
            self.crew.ask(member.address)
        except Exception as error:  # what a codec does wrong is in the answer: this is of the worker, or of the way
            self._lose(member, f"at worker {member.name}: {in_words(error)}")
            if future.status != "error":  # it may go on with what nobody waits for any more
                self.crew.stop(member)
            elif isinstance(error, OSError | UserError):
                self.crew.dismiss(member, in_words(error))
        else:
            member.doing = member.future = None
            self._seconds[task.chunk.codecs].append(seconds)
            return Done(task.chunk, answer, member.name, seconds)
        return None

    def _lose(self, member: Member, how: str) -> None:
        task = member.doing
        if task is None:
            return
        if member.future is not None:
            self.crew.connection.cancel([member.future])
        member.doing = member.future = None
        lost = [*task.lost, how]
        if len(lost) >= TRIES:
            self._given_up.append(Lost(task.chunk, f"given up after {TRIES} tries: {'; '.join(lost)}"))
        else:
            self.listener.note(f"{how}; again: {task.chunk.label}")
            self._again([Try(chunk, lost) for chunk in smaller_chunks(task.chunk)])

    def _wait_for_scheduler(self) -> None:
        """Until it is back; all that was at work then counts as lost."""
        for member in self.crew.forget_all():
            self._lose(member, "the scheduler is gone")
        self.listener.note(f"the scheduler at {self.crew.connection.address} is gone: waiting for it")
        until = monotonic() + BACK_S
        while not self.crew.connection.again():
            if monotonic() > until:
                raise UserError(
                    f"--cluster {self.crew.connection.address}: the scheduler did not come back within {BACK_S:g} s. "
                    "What was measured is stored; the same command goes on."
                )
            sleep(LOOK_S)
        self.listener.note("the scheduler is back")

    def _tell(self) -> None:
        """Who does what, for the live line; a line of its own for each straggler."""
        busy, now = sorted(self._busy(), key=lambda member: member.since), monotonic()
        self._told = now
        for member in busy:
            task, seconds = member.doing, now - member.since
            usual = self._seconds[task.chunk.codecs] if task else []
            if task and not task.is_slow and len(usual) > 2 and seconds > max(SLOW_S, SLOW * median(usual)):
                task.is_slow = True
                self.listener.note(
                    f"slow: {task.chunk.label} at worker {member.name} for {seconds:.0f} s; others took "
                    f"{median(usual):.0f} s"
                )
        idle = len(self.crew.members) - len(busy)
        if busy and (longest := busy[0].doing):
            self.listener.working(f"{len(busy)} busy, {idle} idle; {now - busy[0].since:.0f} s: {longest.chunk.label}")
        else:
            self.listener.working("waiting for a worker")
