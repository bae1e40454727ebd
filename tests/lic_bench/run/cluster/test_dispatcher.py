"""Handing out chunks, to workers that are drawn to work, fail, go and come back; no Dask."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.images.image_file import Image
from lic_bench.run.cluster import crew as crew_module
from lic_bench.run.cluster import dispatcher as dispatcher_module
from lic_bench.run.cluster.chunks import Answer, Introduction, NodeFile, OtherRun, image_chunks
from lic_bench.run.cluster.crew import Crew, Facts
from lic_bench.run.cluster.dispatcher import TRIES, Dispatcher, Done, Lost
from lic_bench.run.jobs import Job
from lic_bench.run.metric_choice import ChosenMetrics
from lic_bench.spec import CodecSpec

SPEC = CodecSpec(name="net", label="N", kind="learned", load="n:N", qualities=(1, 2))
LATER = "later"  # an outcome: nothing comes


class Future:
    """Of Dask's futures what is used here."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome
        self.status = "error" if isinstance(outcome, BaseException) else "finished"
        if outcome == LATER:
            self.status = "pending"

    def add_done_callback(self, told: Callable[["Future"], None]) -> None:
        if self.status != "pending":
            told(self)

    def exception(self) -> object:
        return self.outcome

    def result(self, timeout: float) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class Connection:
    """A cluster whose workers do what `draw` says."""

    address = "tcp://here:1"

    def __init__(self, draw: Callable[[str], object], there: Callable[[], Sequence[str]]) -> None:
        self.draw, self.there = draw, there
        self.tries: Counter[tuple[str, int]] = Counter()
        self.at_work: dict[str, Any] = {}
        self.told: list[str] = []
        self.files: Sequence[NodeFile] = ()

    def check(self) -> None: ...

    def refusals(self) -> list[str]:
        return []

    def workers(self) -> dict[str, dict[str, Any]]:
        return {address: {"resources": {}} for address in self.there()}

    def submit(self, name: str, *arguments: Any, more: Sequence[Future] = (), at: str) -> Future:
        if name == "introduce":
            return Future(
                Introduction(
                    host=at, environment={}, fingerprint={}, lacking=frozenset(file.path for file in self.files)
                )
            )
        if name == "receive":
            return Future(None)
        for job in arguments[1].jobs:
            self.tries[job.image.name, job.quality] += 1
        outcome = self.draw(at)
        return Future((Answer(), 0.1) if outcome is None else outcome)

    def send(self, data: bytes, address: str) -> Future:
        if self.draw("send") == LATER:
            raise KeyError(address)
        return Future(None)

    def tell(self, function: object, *arguments: object, at: Sequence[str], wait: bool = True) -> None:
        self.told += at if wait else []

    def cancel(self, futures: object) -> None: ...

    def again(self) -> bool:
        return True


@dataclass
class Orders:
    """Of a run's orders what is used here."""

    files: Sequence[NodeFile] = ()
    run: str = "run"
    folder: str = "folder"
    timed: bool = False

    class session:
        files: ClassVar[dict[str, Any]] = {}
        metrics = ChosenMetrics()
        streams: ClassVar[dict[str, Any]] = {}


class Listener:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def working(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (crew_module, dispatcher_module):
        monkeypatch.setattr(module, "LOOK_S", 0.0)


def jobs_of(images: int, path: Path | None = None) -> list[Job]:
    pictures = [Image(name=f"{i}", path=path, width=8, height=8, sha256="x") for i in range(images)]
    return [Job(SPEC, quality, "set", picture) for quality in SPEC.qualities for picture in pictures]


def dispatch(connection: Connection, jobs: Sequence[Job], files: Sequence[NodeFile] = ()) -> tuple[Any, Listener, Any]:
    listener, known, connection.files = Listener(), Facts({}, {}), files
    crew = Crew(connection, Orders(files), known, listener.note, waits_s=1.0)  # type: ignore[arg-type]
    dispatcher = Dispatcher(crew, listener)  # type: ignore[arg-type]
    return dispatcher.carry_out(image_chunks(jobs, timed=False)), listener, dispatcher


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**9), st.integers(1, 9), st.integers(1, 3))
def test_whatever_becomes_of_workers_each_job_comes_once_and_is_tried_twice_at_most(
    seed: int, images: int, workers: int
) -> None:
    drawn, numbers, there = random.Random(seed), count(), dict[str, None]()

    def look() -> list[str]:
        if drawn.random() < 0.02:
            raise OSError("the scheduler is gone")
        if there and drawn.random() < 0.2:
            del there[drawn.choice([*there])]
        while len(there) < workers:
            there[f"w{next(numbers)}"] = None
        return [*there]

    def outcome(address: str) -> object:
        choice = drawn.random()
        if choice < 0.1:
            there.pop(address, None)
            return LATER
        return ValueError("broke") if choice < 0.2 else OSError("disk full") if choice < 0.25 else None

    connection, jobs = Connection(outcome, look), jobs_of(images, Path(__file__))
    results, _, _ = dispatch(connection, jobs, [NodeFile(Path(__file__), "x", 1)])
    done: Counter[tuple[str, int]] = Counter()
    for result in results:
        done.update((job.image.name, job.quality) for job in result.chunk.jobs)
        if isinstance(result, Lost):
            assert result.reason.startswith("given up after 2 tries: ")
            assert len(result.chunk.jobs) == 1
    assert done == {(job.image.name, job.quality): 1 for job in jobs}
    assert max(connection.tries.values(), default=0) <= TRIES


def test_a_process_that_works_for_another_run_is_told_again_and_loses_no_try() -> None:
    answers = iter([OtherRun("x"), OtherRun("x"), OtherRun("x")])
    connection = Connection(lambda _: next(answers, None), lambda: ["a"])
    results, listener, _ = dispatch(connection, jobs_of(1))
    assert [type(result) for result in results] == [Done, Done]
    assert not any("again" in note for note in listener.notes)


def test_a_worker_whose_disk_is_full_gets_no_more_and_the_others_do_its_work() -> None:
    full = {"a": OSError(28, "No space left on device")}
    connection = Connection(lambda at: full.get(at), lambda: ["a", "b"])
    results, listener, dispatcher = dispatch(connection, jobs_of(20))
    assert {result.worker for result in results} == {"b"}
    (refused,) = [note for note in listener.notes if note.startswith("refused")]
    assert "a (a)" in refused
    assert "No space left on device" in refused
    assert list(dispatcher.crew.members) == ["b"]


def test_a_worker_whose_chunk_was_cancelled_on_the_way_ends_what_it_still_does_of_it() -> None:
    """As by a connection to the scheduler that was lost for a moment: the worker heard nothing of it."""
    cancelled = Future(TimeoutError("the connection was lost"))
    cancelled.status = "cancelled"
    answers = iter([cancelled])
    connection = Connection(lambda _: None, lambda: ["a"])
    submit = connection.submit

    def cancel_first(name: str, *arguments: Any, **more: Any) -> Future:
        future = submit(name, *arguments, **more)
        return next(answers, future) if name == "carry_out" else future

    connection.submit = cancel_first  # type: ignore[method-assign]
    results, listener, _ = dispatch(connection, jobs_of(1))
    assert [type(result) for result in results] == [Done, Done]
    assert connection.told == ["a"]
    assert any("the connection was lost; again: net q1 set/0" in note for note in listener.notes)


def test_after_the_scheduler_was_gone_workers_are_told_another_start_so_that_what_they_did_makes_way() -> None:
    starts, gone = list[str](), iter([True])

    def there() -> list[str]:
        if starts and next(gone, False):
            raise OSError("the scheduler is gone")
        return ["a"]

    connection = Connection(lambda _: None, there)
    submit = connection.submit

    def noted(name: str, *arguments: Any, **more: Any) -> Future:
        starts.extend(arguments[:1] if name == "carry_out" else [])
        return Future(LATER) if starts == ["run"] and name == "carry_out" else submit(name, *arguments, **more)

    connection.submit = noted  # type: ignore[method-assign]
    results, listener, _ = dispatch(connection, jobs_of(1))
    assert [type(result) for result in results] == [Done, Done]
    assert starts[0] == "run" not in starts[1:]
    assert "the scheduler is back" in listener.notes


def test_where_all_are_refused_the_run_ends_and_says_why() -> None:
    connection = Connection(lambda _: UserError("Cannot write x: No space left on device."), lambda: ["a"])
    results, _, dispatcher = dispatch(connection, jobs_of(1))
    dispatcher.crew.waits_s = 0.0
    with pytest.raises(UserError, match="no worker: all were refused: Cannot write x: No space left"):
        list(results)


def test_a_picture_that_is_gone_here_fails_by_itself(tmp_path: Path) -> None:
    connection = Connection(lambda _: None, lambda: ["a"])
    gone = NodeFile(tmp_path / "gone.png", "x", 3)
    results, _, _ = dispatch(connection, jobs_of(1, gone.path), [gone])
    found = list(results)
    assert [type(result) for result in found] == [Lost, Lost]
    assert found[0].reason == f"Cannot read {gone.path}: No such file or directory."
    assert not connection.tries


def test_a_file_goes_once_to_each_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picture.png").write_bytes(b"123")
    file = NodeFile(tmp_path / "picture.png", "x", 3)
    connection, sent = Connection(lambda _: None, lambda: ["a", "b"]), Counter[str]()
    monkeypatch.setattr(connection, "send", lambda data, address: sent.update([address]) or Future(None))
    results, _, _ = dispatch(connection, jobs_of(12, file.path), [file])
    assert len(list(results)) == 6
    assert sent == {"a": 1, "b": 1}


def test_ended_early_it_takes_back_what_is_at_work() -> None:
    connection = Connection(lambda at: LATER if at == "b" else None, lambda: ["a", "b"])
    results, _, _ = dispatch(connection, jobs_of(9))
    next(results)
    results.close()
    assert connection.told == ["a", "b"]


def test_a_straggler_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = count(0.0, 10.0)
    monkeypatch.setattr(dispatcher_module, "monotonic", lambda: next(now))
    looks, late = count(), Future(LATER)

    def there() -> list[str]:
        if next(looks) == 60:
            late.status, late.outcome = "finished", (Answer(), 600.0)
            dispatcher.crew.events.put(("done", "b", late))
        return ["a", "b"]

    connection = Connection(lambda at: None, there)
    submit = connection.submit

    def slow_at_b(name: str, *arguments: Any, at: str, **more: Any) -> Future:
        return late if at == "b" and name == "carry_out" else submit(name, *arguments, at=at, **more)

    monkeypatch.setattr(connection, "submit", slow_at_b)
    monkeypatch.setattr(Crew, "news", _at_once)
    results, listener, dispatcher = dispatch(connection, [job for job in jobs_of(40) if job.quality == 1])
    assert len(list(results)) == 10
    (slow,) = [note for note in listener.notes if note.startswith("slow: ")]
    assert slow.startswith("slow: net q1 set/")
    assert "at worker b for" in slow
    assert slow.endswith("others took 0 s")
    assert any(said.startswith("1 busy, 1 idle; ") for said in listener.said)


def _at_once(crew: Crew) -> Any:
    while not crew.events.empty():
        yield crew.events.get_nowait()
