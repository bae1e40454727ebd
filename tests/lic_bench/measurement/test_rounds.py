"""The rounds on made-up clocks: known durations, a machine that drifts, outliers, a codec that fails."""

import weakref
from collections.abc import Iterator
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.measurement.rounds import FIRST, Canary, Timing, interleave
from lic_bench.measurement.stopwatch import Effort

STEADY = Effort(repeats=5, budget_s=100)


class Machine:
    """Work takes its nominal time times the machine's slowness, which follows a script, one entry per reading."""

    def __init__(self, slowness: Iterator[float] | None = None) -> None:
        self.slowness = slowness
        self.now = 1.0
        self.turns: list[str] = []

    def read(self) -> float:
        self.now = next(self.slowness, self.now) if self.slowness else 1.0
        return 0.01 * self.now

    def codec(self, name: str, encode_s: float, decode_s: float) -> "Turns":
        return Turns(self, name, encode_s, decode_s)


class Turns:
    def __init__(self, machine: Machine, name: str, encode_s: float, decode_s: float) -> None:
        self.machine, self.name, self.encode_s, self.decode_s = machine, name, encode_s, decode_s

    def __call__(self) -> list[tuple[float, float]]:
        self.machine.turns.append(self.name)
        return [(self.encode_s * self.machine.now, self.decode_s * self.machine.now)]


def timings(machine: Machine, effort: Effort = STEADY, settled: int = 9, **codecs: float) -> dict[str, Timing]:
    canary = Canary(machine.read)
    canary.readings = [0.01] * settled
    turns = {name: machine.codec(name, seconds, 2 * seconds) for name, seconds in codecs.items()}
    return interleave(turns, canary, effort)


def test_codecs_take_turns_and_every_sample_is_kept() -> None:
    machine = Machine()
    found = timings(machine, a=0.1, b=0.2)
    rounds = [machine.turns[i : i + 2] for i in range(0, 10, 2)]
    assert [sorted(codecs) for codecs in rounds] == [["a", "b"]] * 5
    assert rounds.count(["b", "a"]) not in (0, 5)  # no codec always runs after the same one
    assert found["a"].turns == [True] * 5
    assert found["a"].encode_s == pytest.approx([0.1] * 5)
    assert found["b"].decode_s == pytest.approx([0.4] * 5)
    assert found["b"].canary_s == pytest.approx([0.01] * 5)
    assert (found["a"].repeated, found["a"].drifted) == (0, 0)


def test_a_codec_that_has_enough_leaves_the_others_to_go_on() -> None:
    machine = Machine()
    found = timings(machine, Effort(repeats=5, budget_s=1), slow=0.6, fast=0.01)
    assert len(found["slow"].encode_s) == 2  # 1.2 s
    assert len(found["fast"].encode_s) == 5


def test_a_slow_encoder_does_not_go_on_for_the_sake_of_its_decoder() -> None:
    """Its decoder's samples differ, and would be taken until the budget is spent."""
    timing = Timing(encode_s=[3.0] * 5, decode_s=[0.1, 0.2, 0.1, 0.2, 0.3])
    effort = Effort(repeats=5, budget_s=2)
    assert not effort.enough(timing.decode_s)
    assert timing.enough(effort)
    few = Timing(encode_s=[3.0] * 4, decode_s=[0.1, 0.2, 0.1, 0.2])
    assert not few.enough(effort)
    even = Timing(encode_s=[3.0], decode_s=[3.0])
    assert even.enough(effort)


def test_as_many_turns_as_asked_for_whatever_the_samples() -> None:
    effort = Effort(repeats=2, turns=4, narrow=9.0, budget_s=100)
    timing = Timing(encode_s=[0.1] * 9, decode_s=[0.1] * 9, turns=[True] * 3)
    assert not timing.enough(effort)
    timing.turns.append(True)
    assert timing.enough(effort)
    slow = Timing(encode_s=[60.0] * 2, decode_s=[0.1] * 2, turns=[True] * 2)
    assert slow.enough(effort)


def test_what_another_start_gave_is_added() -> None:
    timing = Timing()
    timing.add(Timing(encode_s=[1.0], decode_s=[2.0], canary_s=[3.0], turns=[True]), 0)
    more = Timing([1.5, 1.6], [2.5, 2.6], [3.5, 3.6], repeated=1, drifted=2, turns=[False, True])
    timing.add(more, 1)
    assert timing == Timing(
        encode_s=[1.0, 1.5, 1.6], decode_s=[2.0, 2.5, 2.6], canary_s=[3.0, 3.5, 3.6], starts=[0, 1, 1],
        repeated=1, drifted=2, turns=[True, False, True],
    )  # fmt: skip


def test_between_two_rounds_there_is_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    pauses: list[int] = []
    turns = {"a": machine.codec("a", 0.1, 0.1), "b": machine.codec("b", 0.1, 0.1)}
    interleave(turns, Canary(machine.read), STEADY, pause=lambda: pauses.append(len(machine.turns)))
    assert pauses == [2, 4, 6, 8]


def test_in_a_long_round_each_turn_has_readings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is slower with every reading: a turn's is the mean of the one before it and the one after it."""
    monkeypatch.setattr("lic_bench.measurement.rounds.FRESH_S", 0.0)
    readings = iter(range(1, 100))
    machine = Machine()
    turns = {name: machine.codec(name, 0.1, 0.1) for name in "abc"}
    canary = Canary(lambda: 0.01 * next(readings))
    found = interleave(turns, canary, Effort(repeats=1, again=0))
    first = len(canary.readings) - 3
    in_order = [round(100 * found[name].canary_s[0], 6) for name in machine.turns]
    assert in_order == [first + 0.5, first + 1.5, first + 2.5]


def test_a_round_in_which_the_machine_moved_is_done_again() -> None:
    machine = Machine(iter([1, 1, 1.2, 1, 1, 1, 1, 1, 1]))
    found = timings(machine, a=0.1)["a"]
    assert found.encode_s == pytest.approx([0.1] * 5)  # nothing of the slow round
    assert (found.repeated, found.drifted) == (1, 0)
    assert found.turns == [True, False, True, True, True, True]


def test_a_reading_that_is_fresh_serves_again() -> None:
    readings = iter(range(99))
    often, seldom = Canary(readings.__next__), Canary(readings.__next__, fresh_s=60)
    assert [often.read(), often.read()] == [FIRST, FIRST + 1]
    assert [seldom.read(), seldom.read()] == [2 * FIRST + 2] * 2


def test_a_first_round_is_judged_by_readings_before_it() -> None:
    machine = Machine(iter([1] * 10 + [1.05] + [1] * 20))
    found = timings(machine, settled=0, a=0.1)["a"]
    assert found.turns[0] is False
    assert found.repeated == 1


def test_a_gpu_that_is_held_back_makes_a_round_that_is_done_again() -> None:
    slow = iter([False, True, False, False, False, False])
    machine = Machine()
    canary = Canary(machine.read)
    found = interleave({"a": machine.codec("a", 0.1, 0.2)}, canary, STEADY, lambda: next(slow))["a"]
    assert found.turns == [True, False, True, True, True, True]


def test_a_machine_that_stays_slow_is_believed_after_some_repetitions() -> None:
    machine = Machine(iter([1.2]))
    found = timings(machine, Effort(repeats=5, budget_s=100, again=3), settled=99, a=0.1)["a"]
    assert found.repeated == 3
    assert found.drifted == 5  # kept, counted, and the reference says by how much
    assert median(e / c for e, c in zip(found.encode_s, found.canary_s, strict=True)) == pytest.approx(0.1 / 0.01)


def test_drift_slower_than_the_reference_can_forget_is_no_alarm() -> None:
    machine = Machine(iter([1 + 0.001 * step for step in range(100)]))
    found = timings(machine, Effort(repeats=20, budget_s=100), a=0.1)["a"]
    assert (found.repeated, found.drifted) == (0, 0)


def test_outliers_prolong_the_measuring_and_leave_the_median() -> None:
    class Jumpy(Turns):
        def __call__(self) -> list[tuple[float, float]]:
            number = len(self.machine.turns)
            [(encode_s, decode_s)] = super().__call__()
            return [(encode_s * (3 if number in (1, 3, 4) else 1), decode_s)]

    canary = Canary(Machine().read)
    found = interleave({"a": Jumpy(Machine(), "a", 0.1, 0.2)}, canary, STEADY)["a"]
    assert len(found.encode_s) > 5  # the interval of the median was wide
    assert median(found.encode_s) == pytest.approx(0.1)


def test_a_codec_that_fails_ends_its_own_turns_only() -> None:
    machine = Machine()

    def failing() -> list[tuple[float, float]]:
        if len(machine.turns) > 2:
            raise OSError("gone")
        machine.turns.append("bad")
        return [(0.1, 0.1)]

    found = interleave({"bad": failing, "good": machine.codec("good", 0.1, 0.1)}, Canary(machine.read), STEADY)
    assert isinstance(found["bad"].error, OSError)
    assert len(found["good"].encode_s) == 5


def test_what_a_codec_that_failed_had_in_memory_is_gone_at_the_next_turn() -> None:
    class Large:
        pass

    seen: list[weakref.ref[Large]] = []
    alive: list[bool] = []

    def failing() -> list[tuple[float, float]]:
        large = Large()
        seen.append(weakref.ref(large))
        raise OSError("gone")

    def good() -> list[tuple[float, float]]:
        alive.append(any(ref() for ref in seen))
        return [(0.1, 0.1)]

    found = interleave({"bad": failing, "good": good}, Canary(Machine().read), STEADY)
    assert str(found["bad"].error) == "gone"
    assert seen
    assert not any(alive)


@given(st.lists(st.floats(0.8, 1.5), max_size=60), st.integers(0, 6))
def test_however_the_machine_behaves_it_ends_and_repeats_within_bounds(slowness: list[float], again: int) -> None:
    effort = Effort(repeats=3, budget_s=100, most=20, again=again)
    found = timings(Machine(iter(slowness)), effort, a=0.1, b=0.3)
    for timing in found.values():
        assert 3 <= len(timing.encode_s) == len(timing.decode_s) == len(timing.canary_s) <= 20
        assert timing.repeated <= again
        assert timing.drifted <= len(timing.encode_s)


def test_the_reference_forgets_what_is_long_ago() -> None:
    canary = Canary(iter([1.0] * 69 + [2.0] * 60).__next__)
    for _ in range(60):
        canary.read()
    assert canary.moved(2.0, 0.03)
    for _ in range(60):
        canary.read()
    assert not canary.moved(2.0, 0.03)
