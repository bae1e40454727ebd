"""Interleaved rounds: every codec has its turn in each; a fixed reference workload says whether the machine moved."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from random import Random
from statistics import median
from time import monotonic
from typing import TypeAlias, TypeVar

from lic_bench.errors import without_traceback
from lic_bench.measurement.stopwatch import Effort

Samples: TypeAlias = list[tuple[float | None, float]]  # seconds of encoding, None if it only decodes, and of decoding
Turn: TypeAlias = Callable[[], Samples]  # one codec's turn in a round, with at least one sample
Key = TypeVar("Key", bound=Hashable)
BASELINE = 50  # of the reference workload's last readings, whose median is what it normally takes
FIRST = 9  # readings before the first round
FRESH_S = 0.3  # a reading stands for the turns after it for so long; then there is another, in the midst of a round
SEED = 0  # of the order of codecs in a round


@dataclass(slots=True)
class Timing:
    """What the rounds gave for one codec on one image, in seconds; the first four lists have one entry per sample.

    encode_s: [] for a codec that only decodes.
    starts: after which start of the codec's process it was taken, from 0 on.
    repeated: rounds thrown away because the machine had moved. drifted: samples kept although it had, as the number of
    repetitions is bounded. turns: of each turn, whether its samples were kept. error: why the codec had no more turns.
    """

    encode_s: list[float] = field(default_factory=list)
    decode_s: list[float] = field(default_factory=list)
    canary_s: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    repeated: int = 0
    drifted: int = 0
    turns: list[bool] = field(default_factory=list)
    error: Exception | None = None

    def add(self, more: Timing, start: int) -> None:
        """What the rounds gave after another start of the process."""
        for name in ("encode_s", "decode_s", "canary_s", "turns"):
            getattr(self, name).extend(getattr(more, name))
        self.starts += [start] * len(more.decode_s)
        self.repeated += more.repeated
        self.drifted += more.drifted
        self.error = more.error

    def enough(self, effort: Effort) -> bool:
        """Whether this codec needs no further turn.

        Where one operation has spent its budget, the other is left at `repeats` samples: a slow encoder does not encode
        on and on for the sake of a fast decoder.
        """
        both = (self.encode_s, self.decode_s) if self.encode_s else (self.decode_s,)
        spent = any(sum(samples) >= effort.budget_s for samples in both)
        settled = len(self.turns) >= effort.turns and all(map(effort.enough, both))
        return self.error is not None or settled or (spent and min(map(len, both)) >= effort.repeats)


class Canary:
    """The reference workload's readings of a run, and whether one of them is out of the ordinary."""

    def __init__(self, read: Callable[[], float], fresh_s: float = 0.0) -> None:
        """read: do the workload; the seconds it took. fresh_s: so long a reading serves again instead of another."""
        self._read = read
        self._fresh_s = fresh_s
        self._read_at = -inf
        self.readings: list[float] = []

    def read(self) -> float:
        """Another reading; the first time after FIRST others, by which it can be judged."""
        while len(self.readings) < FIRST:
            self.readings.append(self._read())
        if monotonic() - self._read_at >= self._fresh_s:
            self.readings.append(self._read())
            self._read_at = monotonic()
        return self.readings[-1]

    def moved(self, reading: float, limit: float) -> bool:
        """Whether a reading is more than `limit` (relative) away from the median of the last ones."""
        usual = median(self.readings[-BASELINE:])
        return abs(reading - usual) > limit * usual


def interleave(
    turns: Mapping[Key, Turn],
    canary: Canary,
    effort: Effort,
    slowed: Callable[[], bool] = lambda: False,
    pause: Callable[[], None] = lambda: None,
) -> dict[Key, Timing]:
    """Rounds over all codecs, in another order each, until each has enough samples, see Effort.

    A round is done again where the reference workload moved before, within or after it, or where slowed() says so (it
    is asked once per round), at most effort.again times in all; after that its samples are kept and counted as drifted.
    An exception ends the turns of its codec alone. pause: called after each round but the last.
    """
    timings: dict[Key, Timing] = {key: Timing() for key in turns}
    order, again = Random(SEED), effort.again
    before = canary.read()
    while unfinished := [key for key in turns if not timings[key].enough(effort)]:
        order.shuffle(unfinished)
        readings, samples = _round(unfinished, turns, timings, canary, before)
        moved = any(canary.moved(reading, effort.moved) for reading in readings) | slowed()
        kept = not moved or not again
        for key, (pairs, number) in samples.items():
            _store(timings[key], pairs, (readings[number] + readings[number + 1]) / 2, moved=moved, kept=kept)
        again -= not kept
        if any(not timings[key].enough(effort) for key in turns):
            pause()
        before = readings[-1] if kept else canary.read()
    return timings


def _round(
    order: Sequence[Key], turns: Mapping[Key, Turn], timings: Mapping[Key, Timing], canary: Canary, before: float
) -> tuple[list[float], dict[Key, tuple[Samples, int]]]:
    """The canary's readings, `before` the first, and codec -> its samples and the number of the reading before them."""
    readings, samples, read_at = [before], {}, monotonic()
    for key in order:
        try:
            pairs = turns[key]()
        except Exception as error:  # its own failure, not that of the round
            timings[key].error, pairs = without_traceback(error), []
        samples[key] = pairs, len(readings) - 1
        if key == order[-1] or monotonic() - read_at >= FRESH_S:
            readings.append(canary.read())
            read_at = monotonic()
    return readings, samples


def _store(timing: Timing, pairs: Samples, canary_s: float, *, moved: bool, kept: bool) -> None:
    timing.turns.append(kept)
    if not kept:
        timing.repeated += 1
        return
    for encode_s, decode_s in pairs:
        timing.encode_s += [] if encode_s is None else [encode_s]
        timing.decode_s.append(decode_s)
        timing.canary_s.append(canary_s)
        timing.drifted += moved
