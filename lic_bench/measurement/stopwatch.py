"""The one clock: synchronised wall time, warm-up and repeats."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns
from typing import TypeVar

import torch

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure: at least `repeats` samples or `enough_s` seconds of them, after at most `warm_up_s` seconds
    of warm-up, which ends early once two successive medians agree within `agree`."""

    repeats: int = 5
    enough_s: float = 2.0
    warm_up_s: float = 10.0
    warm_ups: int = 3
    agree: float = 0.02


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
    """Run fn until its time has settled; the seconds of every call, the first of them the cold start."""
    samples: list[float] = []
    while not _settled(samples, effort):
        samples.append(timed(fn, device)[1])
        if sum(samples) >= effort.warm_up_s:
            break
    return samples


def sample(fn: Callable[[], R], device: torch.device, effort: Effort) -> tuple[R, list[float]]:
    """What fn returned last and the seconds of every call."""
    out, seconds = timed(fn, device)
    samples = [seconds]
    while len(samples) < effort.repeats and sum(samples) < effort.enough_s:
        out, seconds = timed(fn, device)
        samples.append(seconds)
    return out, samples


def _settled(samples: list[float], effort: Effort) -> bool:
    if len(samples) < max(2, effort.warm_ups):
        return False
    now, before = median(samples), median(samples[:-1])
    return abs(now - before) <= effort.agree * before
