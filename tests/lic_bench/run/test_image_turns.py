"""One image through all codecs: their times side by side, and what one does wrong is its own record."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from lic_bench.images.image_file import Image
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.machine_monitor import MachineMonitor, Reading
from lic_bench.measurement.rounds import Canary
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.image_turns import Hooks, ImageTurns, Settings
from lic_bench.run.job_result import JobResult
from lic_bench.run.jobs import Job
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Complexity

IMAGE = Image(name="a.png", path=Path("a.png"), width=4, height=4, sha256=None)


@dataclass
class Codec:
    """A worker, and its own coded image: known times; fails at the step called `fails`."""

    fails: str = ""
    error: Exception = field(default_factory=lambda: CodecFailure("on strike"))
    done: list[str] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)

    def _do(self, step: str) -> None:
        self.done.append(step)
        if step == self.fails:
            raise self.error

    def code(self, quality: int, image: Image) -> Codec:
        self._do("code")
        self.fields = {"payload_bytes": quality, "width": 8, "height": 8} | self.found
        return self

    def renew(self) -> None:
        self._do("renew")

    def encode(self, quality: int, image: Image) -> Codec:
        self._do("encode")
        return self

    def warm_up(self) -> None:
        self._do("warm_up")

    def turn(self) -> list[tuple[float, float]]:
        self._do("turn")
        return [(0.1, 0.2)]

    def phases(self) -> dict[str, list[float]]:
        self._do("phases")
        return {"decode/total": [0.2]}

    def energy(self) -> dict[str, float]:
        self._do("energy")
        return {"encode": 0.5}

    def open(self) -> None:
        self._do("open")

    def ready(self) -> None:
        self._do("ready")

    def release(self) -> None:
        self._do("release")

    def close(self) -> None:
        self._do("close")

    def count_operations(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
        raise NotImplementedError


def job(name: str, quality: int = 1) -> Job:
    spec = CodecSpec(name=name, label=name, kind="classical", load="x:y", qualities=(1,))
    return Job(spec, quality, "set", IMAGE)


def run(
    codecs: dict[str, Codec], parts: str, jobs: Sequence[Job] = (), **settings: Any
) -> tuple[list[JobResult], list[str]]:
    notes: list[str] = []
    timed: dict[str, Any] = {"canary": Canary(lambda: 0.01), "watch": MachineMonitor(torch.device("cpu"))}
    made = Settings(
        parts=frozenset(parts.split()),
        effort=Effort(repeats=3, budget_s=9),
        **({"devices": dict.fromkeys(codecs, "cpu")} | (timed if "latency" in parts else {}) | settings),
    )
    turns = ImageTurns(codecs, made, Hooks(note=notes.append))
    return list(turns.measure(jobs or [job(name) for name in codecs])), notes


def test_each_start_of_the_processes_has_rounds_of_its_own() -> None:
    codec = Codec()
    (done,), _ = run({"a": codec}, "latency", starts=2)
    rounds = ["warm_up", *["turn"] * 3]
    assert codec.done == ["code", *rounds, "renew", "encode", *rounds, "energy"]
    record = done.record
    assert record.encode_s == [0.1] * 6
    assert record.starts == [0, 0, 0, 1, 1, 1]
    assert len(record.canary_s) == 6


@pytest.mark.parametrize("fails", ["renew", "encode"])
def test_a_codec_that_does_not_start_again_fails_alone(fails: str) -> None:
    done, _ = run({"a": Codec(fails=fails), "b": Codec()}, "latency", starts=2)
    by_codec = {one.job.spec.name: one.record for one in done}
    assert (by_codec["a"].status, by_codec["a"].error) == ("failed", "on strike")
    assert by_codec["b"].starts == [0, 0, 0, 1, 1, 1]


def test_codecs_are_timed_in_rounds_after_all_have_coded() -> None:
    order: list[str] = []

    class Noted(Codec):
        def _do(self, step: str) -> None:
            super()._do(step)
            order.append(step)

    done, _ = run({"a": Noted(), "b": Noted()}, "quality latency phases")
    assert order == ["code"] * 2 + ["warm_up"] * 2 + ["turn"] * 6 + ["energy", "phases"] * 2
    record = done[1].record
    assert record.encode_s == [0.1] * 3
    assert record.decode_s == [0.2] * 3
    assert record.canary_s == [0.01] * 3
    assert record.starts == [0] * 3
    assert record.phases_s == {"decode/total": [0.2]}
    assert record.conditions["readings"] >= 6
    assert record.energy_j == {"encode": 0.5}
    assert (record.width, record.status) == (8, "ok")


def test_without_times_each_record_is_there_as_soon_as_it_is_made() -> None:
    codecs = {"a": Codec(), "b": Codec()}
    turns = ImageTurns(
        codecs, Settings(parts=frozenset(["quality"]), effort=Effort(), devices={"a": "cpu", "b": "cpu"}), Hooks()
    )
    first = next(iter(turns.measure([job("a"), job("b")])))
    assert first.record.payload_bytes == 1
    assert codecs["b"].done == []


def test_conditions_are_those_of_the_codecs_own_turns() -> None:
    class Slow(Codec):
        def turn(self) -> list[tuple[float, float]]:
            time.sleep(0.05)
            return super().turn()

    done, _ = run({"slow": Slow(), "fast": Codec()}, "quality latency")
    slow, fast = (one.record.conditions["seconds"] for one in done)
    assert slow >= 0.15
    assert fast < slow


@pytest.mark.parametrize(
    ("device", "apart", "looked"), [("cuda:0", True, 3), ("cuda:0", False, 0), ("cpu", True, 0), ("cpu", False, 0)]
)
def test_a_gpu_is_looked_at_while_codecs_elsewhere_work(device: str, apart: bool, looked: int) -> None:
    class Looks(MachineMonitor):
        inside, turns = False, 0

        @contextmanager
        def poll_gpu(self) -> Iterator[None]:
            Looks.inside = True
            yield
            Looks.inside = False

    class Elsewhere(Codec):
        def turn(self) -> list[tuple[float, float]]:
            Looks.turns += Looks.inside
            return super().turn()

    settings: dict[str, Any] = {"canary": Canary(lambda: 0.01), "watch": Looks(torch.device("cpu")), "apart": apart}
    made = Settings(
        parts=frozenset(["latency"]), effort=Effort(repeats=3, budget_s=9), devices={"a": device}, **settings
    )
    list(ImageTurns({"a": Elsewhere()}, made, Hooks()).measure([job("a")]))
    assert Looks.turns == looked


@pytest.mark.parametrize("step", ["code", "warm_up", "turn"])
def test_what_one_codec_does_wrong_leaves_the_others(step: str) -> None:
    done, _ = run({"bad": Codec(fails=step), "good": Codec()}, "quality latency")
    assert [one.record.status for one in done] == ["failed", "ok"]
    assert done[0].record.error == "on strike"
    assert done[0].record.encode_s == []
    assert len(done[1].record.encode_s) == 3


@pytest.mark.parametrize(("step", "what"), [("phases", "times of its parts"), ("energy", "energy")])
def test_what_is_missing_loses_nothing_that_was_measured(step: str, what: str) -> None:
    done, notes = run({"a": Codec(fails=step)}, "quality latency phases")
    assert done[0].record.status == "ok"
    assert len(done[0].record.encode_s) == 3
    assert notes == [f"a: no {what}: on strike"]


def test_a_codec_out_of_memory_is_asked_no_more_where_that_is_the_question() -> None:
    greedy = Codec(fails="code", error=MemoryError())
    jobs = [job("a", 1), job("a", 2)]
    done, _ = run({"a": greedy}, "quality", jobs, stops_at_limit=True)
    assert (done[0].record.error, done[0].record.failure) == ("out of memory: MemoryError", "out_of_memory")
    assert "not tried: out of memory at a smaller size" in str(done[1].record.error)
    assert done[1].record.failure == "not_tried"
    assert greedy.done == ["code"]
    greedy.done.clear()
    run({"a": greedy}, "quality", jobs)
    assert greedy.done == ["code", "code"]


def test_where_a_shared_device_is_full_the_others_give_back_what_they_keep() -> None:
    class Full(Codec):
        def code(self, quality: int, image: Image) -> Codec:
            self.done.append("code")
            if len(self.done) == 1:
                raise MemoryError
            return self

    for device, status in (("cuda:0", "ok"), ("cpu", "failed")):
        codecs = {"full": Full(), "other": Codec()}
        settings = Settings(parts=frozenset(["quality"]), effort=Effort(), devices=dict.fromkeys(codecs, device))
        turns = ImageTurns(codecs, settings, Hooks())
        assert next(iter(turns.measure([job("full")]))).record.status == status
        assert codecs["other"].done == (["release"] if status == "ok" else [])


@pytest.mark.parametrize(("step", "repeated"), [("warm_up", 0), ("turn", 1), ("encode", 0)])
@pytest.mark.parametrize("device", ["cuda:0", "cpu"])
def test_where_a_shared_device_is_full_later_the_step_is_done_again(device: str, step: str, repeated: int) -> None:
    class Full(Codec):
        def _do(self, one: str) -> None:
            self.done.append(one)
            if one == step and self.done.count(step) == 1:
                raise MemoryError

    codecs = {"full": Full(), "other": Codec()}
    devices = dict.fromkeys(codecs, device)
    done, _ = run(codecs, "latency", devices=devices, starts=2)
    full, other = (one.record for one in done)
    if device == "cpu":
        assert (full.status, full.error) == ("failed", "out of memory: MemoryError")
        assert "release" not in codecs["other"].done
    else:
        assert [len(record.encode_s) for record in (full, other)] == [6, 6]
        assert [record.rounds_repeated for record in (full, other)] == [repeated] * 2
        assert codecs["other"].done.count("release") == 1


def test_where_it_stays_full_the_codec_fails() -> None:
    codecs = {"full": Codec(fails="turn", error=MemoryError()), "other": Codec()}
    done, _ = run(codecs, "latency", devices=dict.fromkeys(codecs, "cuda:0"))
    by_codec = {one.job.spec.name: one.record for one in done}
    assert by_codec["full"].error == "out of memory: MemoryError"
    assert len(by_codec["other"].encode_s) == 3


def test_only_conditions_of_samples_that_were_kept_are_told() -> None:
    readings = iter([0.01] * 11 + [0.02] + [0.01] * 30)
    canary = Canary(lambda: next(readings))
    settings = {"canary": canary, "watch": MachineMonitor(torch.device("cpu"))}
    made = Settings(
        parts=frozenset(["latency"]), effort=Effort(repeats=3, budget_s=9), devices={"a": "cpu"}, **settings
    )
    turns = ImageTurns({"a": Codec()}, made, Hooks())
    (done,) = turns.measure([job("a")])
    assert (done.record.rounds_repeated, len(done.conditions)) == (1, 4)
    assert done.record.conditions["readings"] == sum(found["readings"] for found in done.conditions) * 3 / 4


def test_a_codec_that_is_done_repeats_no_rounds_of_the_others() -> None:
    class Hot(MachineMonitor):
        """The GPU is too hot in the turns of that codec."""

        def summarise_since(self, before: Reading) -> dict[str, Any]:
            return super().summarise_since(before) | {"gpu_thermal_s": 0.1 * (order[-1] == "hot")}

    class Noted(Codec):
        def turn(self) -> list[tuple[float, float]]:
            order.append("hot" if self is codecs["hot"] else "cool")
            return [(9.0, 9.0)] if self is codecs["hot"] else super().turn()

    order: list[str] = []
    codecs = {"hot": Noted(), "cool": Noted()}
    settings: dict[str, Any] = {"canary": Canary(lambda: 0.01), "watch": Hot(torch.device("cpu"))}
    effort = Effort(repeats=3, budget_s=8, again=1)
    made = Settings(parts=frozenset(["latency"]), effort=effort, devices=dict.fromkeys(codecs, "cuda:0"), **settings)
    turns = ImageTurns(codecs, made, Hooks())
    hot, cool = (one.record for one in turns.measure([job("hot"), job("cool")]))
    assert (hot.rounds_repeated, hot.drifted) == (1, 1)
    assert (cool.rounds_repeated, cool.drifted) == (1, 1), "of the two rounds with the hot one, not of its own"


def test_a_forward_pass_that_rounds_otherwise_is_said_once_for_a_codec() -> None:
    codecs = {"a": Codec(found={"decode_mse": 0.9}), "b": Codec(found={"decode_mse": 0.001})}
    done, notes = run(codecs, "quality", [job("a"), job("a", 2), job("b")])
    assert [one.record.decode_mse for one in done] == [0.9, 0.9, 0.001]
    assert [note.partition(":")[0] for note in notes] == ["a"]
    assert "a mean squared 0.9 levels from what is decoded" in notes[0]


def test_times_need_their_instruments() -> None:
    settings = Settings(parts=frozenset(["latency"]), effort=Effort(), devices={"a": "cpu"})
    turns = ImageTurns({"a": Codec()}, settings, Hooks())
    with pytest.raises(ValueError, match="canary"):
        list(turns.measure([job("a")]))


def test_seconds_are_those_of_the_codec_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("lic_bench.run.job_result.perf_counter", lambda: float(next(clock)))
    done, _ = run({"a": Codec(), "b": Codec()}, "quality latency")
    assert done[0].seconds == done[1].seconds > 0
