"""Interleaved rounds: every codec has its turn in each; a fixed reference workload says whether the machine moved."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Protocol, TypeVar

from lic_bench.measurement.stopwatch import Effort

Key = TypeVar("Key", bound=Hashable)
BASELINE = 50  # of the reference workload's last readings, whose median is what it normally takes
FIRST = 9  # readings before the first round
SEED = 0  # of the order of codecs in a round


@dataclass(slots=True)
class Timing:
    """What the rounds gave for one codec on one image, in seconds; the three lists have one entry per sample.

    repeated: rounds thrown away because the machine had moved. drifted: samples kept although it had, as the number of
    repetitions is bounded. turns: of each turn, whether its samples were kept. error: why the codec had no more turns.
    """

    encode_s: list[float] = field(default_factory=list)
    decode_s: list[float] = field(default_factory=list)
    canary_s: list[float] = field(default_factory=list)
    repeated: int = 0
    drifted: int = 0
    turns: list[bool] = field(default_factory=list)
    error: Exception | None = None

    def enough(self, effort: Effort) -> bool:
        """Whether this codec needs no further turn."""
        return self.error is not None or (effort.enough(self.encode_s) and effort.enough(self.decode_s))


class Turn(Protocol):
    """One codec's turn in a round."""

    def __call__(self) -> list[tuple[float, float]]:
        """Seconds of encoding and of decoding, at least one pair."""
        ...


class Canary:
    """The reference workload's readings of a run, and whether one of them is out of the ordinary."""

    def __init__(self, read: Callable[[], float]) -> None:
        """read: do the workload; the seconds it took."""
        self._read = read
        self.readings: list[float] = []

    def read(self) -> float:
        """Another reading; the first time after FIRST others, by which it can be judged."""
        while len(self.readings) < FIRST:
            self.readings.append(self._read())
        self.readings.append(self._read())
        return self.readings[-1]

    def moved(self, reading: float, limit: float) -> bool:
        """Whether a reading is more than `limit` (relative) away from the median of the last ones."""
        usual = median(self.readings[-BASELINE:])
        return abs(reading - usual) > limit * usual


def interleave(
    turns: Mapping[Key, Turn], canary: Canary, effort: Effort, slowed: Callable[[], bool] = lambda: False
) -> dict[Key, Timing]:
    """Rounds over all codecs, in another order each, until each has enough samples, see Effort.

    A round is done again where the reference workload moved before or after it, or where slowed() says so (it is asked
    once per round), at most effort.again times in all; after that its samples are kept and counted as drifted. An
    exception ends the turns of its codec alone.
    """
    timings: dict[Key, Timing] = {key: Timing() for key in turns}
    order, again = Random(SEED), effort.again
    before = canary.read()
    while left := [key for key in turns if not timings[key].enough(effort)]:
        order.shuffle(left)
        found = {key: _turn(turns[key], timings[key]) for key in left}
        after = canary.read()
        moved = any(canary.moved(reading, effort.moved) for reading in (before, after)) | slowed()
        kept = not moved or not again
        for key, pairs in found.items():
            _store(timings[key], pairs, (before + after) / 2, moved=moved, kept=kept)
        again -= not kept
        before = after if kept else canary.read()
    return timings


def _turn(turn: Turn, timing: Timing) -> list[tuple[float, float]]:
    try:
        return turn()
    except Exception as error:  # its own failure, not that of the round
        timing.error = error
        return []


def _store(timing: Timing, pairs: Iterable[tuple[float, float]], canary_s: float, *, moved: bool, kept: bool) -> None:
    timing.turns.append(kept)
    if not kept:
        timing.repeated += 1
        return
    for encode_s, decode_s in pairs:
        timing.encode_s.append(encode_s)
        timing.decode_s.append(decode_s)
        timing.canary_s.append(canary_s)
        timing.drifted += moved
