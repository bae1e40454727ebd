"""The one clock: synchronised wall time, warm-up, and how many samples are enough."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns
from typing import TypeVar

import numpy as np
import torch

from lic_bench.defaults import BUDGET_S, REPEATS

R = TypeVar("R")
RESAMPLES, SEED = 400, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure one operation on one image.

    At least `repeats` samples, and on until the interval of their median is within `narrow` of it on either side
    (relative); but no more than `budget_s` seconds or `most` samples. Before that a warm-up of at least `warm_ups`
    calls and at most `warm_up_s` seconds, which ends once two successive medians agree within `agree`.
    turns: of a codec at least, unless its budget is spent.
    visit_s: a turn of a codec in a round lasts about so long; fast ones take several samples in it, `per_turn` at most.
    warmed_s: one that encodes and decodes within so long does both untimed before each sample: what others left in the
    caches costs it a part of a millisecond or two, which a slower one hardly feels.
    again: how many rounds per image may be repeated because the reference workload moved by more than `moved`.
    """

    repeats: int = REPEATS
    narrow: float = 0.02
    budget_s: float = BUDGET_S
    most: int = 60
    warm_up_s: float = 10.0
    warm_ups: int = 3
    agree: float = 0.02
    turns: int = 0
    visit_s: float = 0.05
    per_turn: int = 10
    warmed_s: float = 0.5
    again: int = 5
    moved: float = 0.03

    def enough(self, samples: Sequence[float]) -> bool:
        """Whether no more samples are needed."""
        if sum(samples) >= self.budget_s or len(samples) >= self.most:
            return True
        return len(samples) >= self.repeats and half_width(samples) <= self.narrow


def median_interval(samples: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """The bootstrap interval of the median at this level, by percentiles; the same samples give the same interval.

    A single sample is its own interval. Raises ValueError for none.
    """
    if not len(samples):
        raise ValueError("no samples")
    values = np.asarray(samples, float)
    chosen = np.random.default_rng(SEED).integers(len(values), size=(RESAMPLES, len(values)))
    tail = 50 * (1 - level)
    low, high = np.percentile(np.median(values[chosen], axis=1), (tail, 100 - tail))
    return float(low), float(high)


def half_width(samples: Sequence[float]) -> float:
    """How far the median's interval reaches from the median, to its farther side, over the median."""
    low, high = median_interval(samples)
    middle = median(samples)
    return max(high - middle, middle - low) / middle


def sync(device: torch.device) -> None:
    """Wait until the device has finished what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(fn: Callable[[], R], device: torch.device) -> tuple[R, float]:
    """What fn returns and the wall-clock seconds it took, its GPU work included."""
    sync(device)
    start = perf_counter_ns()  # not CUDA events: the entropy coder runs on the CPU between kernels
    out = fn()
    sync(device)
    return out, (perf_counter_ns() - start) / 1e9


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection inside."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def warm_up(fn: Callable[[], object], device: torch.device, effort: Effort) -> list[float]:
    """Run fn until its time has settled; the seconds of every call."""
    samples: list[float] = []
    while not _settled(samples, effort) and sum(samples) < effort.warm_up_s:
        samples.append(timed(fn, device)[1])
    return samples


def _settled(samples: list[float], effort: Effort) -> bool:
    if len(samples) < max(2, effort.warm_ups):
        return False
    now, before = median(samples), median(samples[:-1])
    return abs(now - before) <= effort.agree * before
