"""The workers of a run: who is there, who was refused and why, what each has and does."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lic_bench.errors import UserError
from lic_bench.machine.software import own_software
from lic_bench.run.cluster import entry
from lic_bench.run.cluster.chunks import Chunk, Codecs, Introduction, Orders
from lic_bench.run.cluster.connection import FETCH_S, Connection
from lic_bench.run.cluster.queue_jobs import ALONE

if TYPE_CHECKING:
    from distributed import Future

LOOK_S = 1.0  # between two looks who is there
INTRODUCE_S = 600.0  # for a worker to say who it is: it may have to end another run's chunk
SLOW_BYTES_S = 5e6  # and to read all files, of a disk that many workers share
# What decides the bytes of a codec: section of run.json, name there.
SOFTWARE = (
    ("environment", "lic_bench"),
    ("environment", "git_commit"),
    ("fingerprint", "torch"),
    ("fingerprint", "packages"),
    ("fingerprint", "coders"),
    ("fingerprint", "programs"),
)
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What run.json says of a machine, in its sections of these names."""

    environment: Values
    fingerprint: Values


@dataclass(slots=True)
class Try:
    """A chunk to be done. lost: where it was lost, and how. is_slow: this was said."""

    chunk: Chunk
    lost: list[str] = field(default_factory=list)
    is_slow: bool = False


@dataclass(slots=True)
class Member:
    """A worker that works for the run. name: in records and run.json. lacking: the files that it has not.

    doing: its chunk, since when (monotonic) and as what future; last: codecs that it has loaded.
    """

    address: str
    name: str
    lacking: set[Path]
    last: Codecs = ()
    doing: Try | None = None
    since: float = 0.0
    future: Future | None = None


@dataclass(slots=True)
class Crew:
    """Whoever is at work for a run. here: the machine of the process that owns the store.

    kind: the machine that all must be like where times are taken; None: like the first.
    events: ("introduced" or "done", address, future), put by Dask's threads. facts: name -> what run.json says of it.
    """

    connection: Connection
    orders: Orders
    here: Facts
    note: Callable[[str], None]
    waits_s: float | None
    kind: Facts | None = None
    events: Queue[tuple[str, str, Future]] = field(default_factory=Queue)
    members: dict[str, Member] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _asked: dict[str, tuple[Future, float]] = field(default_factory=dict)  # and when
    _refused: dict[str, str] = field(default_factory=dict)
    _problems: dict[str, None] = field(default_factory=dict)  # of all that ever were
    _alone_at: float | None = None
    _looked_at: float = -LOOK_S

    def wait_for_first(self) -> Facts:
        """The machine of the first worker that the run can use. Raises UserError where none comes."""
        while self.kind is None:
            try:
                self.look()
            except OSError as error:
                raise UserError(f"--cluster {self.connection.address}: the scheduler is gone: {error}.") from None
            for event, address, future in self.news():
                if event == "introduced":
                    self.admit(address, future)
        return self.kind

    def look(self) -> list[Member]:
        """Ask who is there and have newcomers introduce themselves; those who are gone. Raises OSError, UserError.

        Once in LOOK_S, however often it is called; but that the scheduler was lost is said at once.
        """
        self.connection.check()
        for said in self.connection.refusals():
            self.note(f"a job was not taken, and is submitted again: {said}")
        if monotonic() - self._looked_at < LOOK_S:
            return []
        there, self._looked_at = self.connection.workers(), monotonic()
        gone = [member for address, member in self.members.items() if address not in there]
        for member in gone:
            del self.members[member.address]
            self.note(f"worker {member.name} is gone; {len(self.members)} left")
        self._asked = {address: asked for address, asked in self._asked.items() if address in there}
        self._refused = {address: problem for address, problem in self._refused.items() if address in there}
        for address, (future, since) in list(self._asked.items()):
            if monotonic() - since > (patience_s := self._patience_s()):
                del self._asked[address]
                self.connection.cancel([future])
                self._refuse(address, f"did not say who it is within {patience_s:.0f} s")
        for address, worker in there.items():
            if address not in self.members and address not in self._asked and address not in self._refused:
                if problem := self._unfit(worker):
                    self._refuse(address, problem)
                else:
                    self.ask(address)
        self._give_up_alone()
        return gone

    def ask(self, address: str) -> None:
        """Have a worker introduce itself."""
        run, folder = self.orders.run, self.orders.folder
        self.connection.tell(entry.make_way, run, folder, at=[address], wait=False)
        future = self.connection.submit("introduce", own_software(), pickle.dumps(self.orders), at=address)
        self._asked[address] = future, monotonic()
        future.add_done_callback(lambda done: self.events.put(("introduced", address, done)))

    def news(self) -> Iterator[tuple[str, str, Future]]:
        """What happened, waiting LOOK_S at most for a first event."""
        with suppress(Empty):
            yield self.events.get(timeout=LOOK_S)
            while True:
                yield self.events.get_nowait()

    def admit(self, address: str, future: Future) -> None:
        """Take in or refuse who has introduced itself."""
        if address not in self._asked or self._asked[address][0] is not future:
            return
        del self._asked[address]
        if future.status == "error":
            self._refuse(address, in_words(future.exception()))
        if future.status != "finished":
            return
        try:
            said: Introduction = future.result(timeout=FETCH_S)
        except Exception:  # it went on the way, and is asked again if it comes back
            return
        if problem := said.problem or self._differs(said):
            self._refuse(address, problem, said.host)
            return
        name = self._name(said)
        self.members[address] = Member(address, name, set(said.lacking))
        command = {"command": self.here.environment.get("command")}
        self.kind = self.kind or Facts({**said.environment, **command}, said.fingerprint)
        self.note(f"worker {name} has joined; {len(self.members)} there")

    def dismiss(self, member: Member, problem: str) -> None:
        """Refuse a worker that was taken in."""
        self.stop(member)
        self.members.pop(member.address, None)
        self._refuse(member.address, problem, member.name)

    def forget_all(self) -> list[Member]:
        """After the scheduler was gone: nobody is known any more; who was. What they still do makes way, see `ask`."""
        gone = list(self.members.values())
        self.orders = replace(self.orders, run=uuid4().hex)
        self.members, self._asked, self._refused, self._looked_at = {}, {}, {}, -LOOK_S
        return gone

    def stop(self, *members: Member) -> None:
        """End what these workers do for the run, by default all, and let their codecs go."""
        if addresses := [member.address for member in members or self.members.values()]:
            self.connection.tell(entry.call, "stop", pickle.dumps((self.orders.run,)), at=addresses)

    def _patience_s(self) -> float:
        return INTRODUCE_S + sum(file.size for file in self.orders.files) / SLOW_BYTES_S

    def _unfit(self, worker: Values) -> str | None:
        if self.orders.timed and not (worker.get("resources") or {}).get(ALONE):
            return f"times are taken by workers that are alone on their machine: start it with --resources {ALONE}=1"
        return None

    def _differs(self, said: Introduction) -> str | None:
        """Why what it measures could not stand beside the rest; None if it can."""
        for section, name in SOFTWARE:
            theirs, ours = getattr(said, section).get(name), getattr(self.here, section).get(name)
            if theirs != ours:
                return f"{name}: {_difference(theirs, ours)}"
        if not self.orders.timed:
            return None
        if any(self.facts[member.name]["host"] == said.host for member in self.members.values()):
            return "another worker is on that machine, and times are taken alone"
        kind = self.kind.fingerprint if self.kind else {}
        for name in kind.keys() - {"kernels", "programs"}:
            theirs, ours = said.fingerprint.get(name), kind[name]
            if theirs != ours:
                return f"another kind of machine: {name}: {_difference(theirs, ours)}; it needs a run of its own"
        return None

    def _refuse(self, address: str, problem: str, host: str = "") -> None:
        self._refused[address], self._problems[problem] = problem, None
        self.note(f"refused worker {f'{host} ({address})' if host else address}: {problem}")

    def _name(self, said: Introduction) -> str:
        """The host's name; with a number where the run has other facts under it."""
        facts, number = _facts(said), 1
        name = said.host
        while self.facts.setdefault(name, facts) != facts:
            number += 1
            name = f"{said.host}#{number}"
        return name

    def _give_up_alone(self) -> None:
        """Raise UserError where nobody has been there for too long."""
        if self.members or self._asked:
            self._alone_at = None
            return
        if self._alone_at is None:
            self._alone_at = monotonic()
            if self.waits_s is not None:
                self.note(f"no usable worker: waiting {self.waits_s:g} s for one")
        if self.waits_s is not None and monotonic() - self._alone_at > self.waits_s:
            refused = "; ".join(self._problems)
            said = f"all were refused: {refused}" if refused else f"none came within {self.waits_s:g} s"
            raise UserError(f"--cluster: no worker: {said}. What was measured is stored; the same command goes on.")


def in_words(error: BaseException | None) -> str:
    """One line."""
    said = " ".join(str(error).split())[:300]
    return said if isinstance(error, UserError) else f"{type(error).__name__}: {said}"


def _difference(theirs: Any, ours: Any) -> str:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        name = next(name for name in {**ours, **theirs} if theirs.get(name) != ours.get(name))
        return f"{name} {_brief(theirs.get(name))} there, {_brief(ours.get(name))} in the run"
    return f"{_brief(theirs)} there, {_brief(ours)} in the run"


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _facts(said: Introduction) -> dict[str, Any]:
    """What run.json says of a worker; nothing that hangs on the codecs of a run, which may grow."""
    environment, fingerprint = said.environment, said.fingerprint
    names = ("cpu", "cores_usable", "cpu_capability", "gpu", "driver", "torch", "lic_bench")
    return {
        "host": said.host,
        **{name: fingerprint.get(name) for name in names},
        "git_commit": environment.get("git_commit"),
        "memory_bytes": environment.get("memory_bytes"),
    }
