"""How long BiWKV takes, and how long it must take at least: its bytes once over the memory's copy bandwidth."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, prod
from statistics import median
from time import perf_counter

import torch

from lalic.biwkv.operator import biwkv_backward_op, biwkv_op

BUDGET_S = 2.0  # per backend, shape and direction
LEAST, MOST = 5, 200  # repeats
ENQUEUED_S = 2e-3  # of GPU work per sample, so that starting the first call does not count
CALLS = 10  # in a CUDA graph at least, so that the gaps between its replays do not count
LONG_S = 1e-3  # of one call on a GPU, where neither those gaps nor what is in a cache matter; torch's has 5000 kernels
COPIED_BYTES = 2**28  # well above any cache's share
PASSES = {"forward": 3, "backward": 5}  # k, v, y; k, v, dy, dk, dv: each read or written once

Call = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One backend at one shape. spread: interquartile range over the median.

    median_s: of a call; on a GPU with sequences that are in no cache, as limit_s supposes (long ones fill the caches
    anyway and are taken again and again). warm_s: with the same sequences again and again. eager_s: the same without
    a CUDA graph, what a caller waits for who enqueues call after call. warm_s and eager_s are None on a CPU.
    """

    shape: tuple[int, int, int]  # B, T, C
    dtype: str
    backend: str
    direction: str  # forward or backward
    median_s: float
    spread: float
    repeats: int
    bytes_moved: int  # each input read once, each output written once
    limit_s: float
    warm_s: float | None = None
    eager_s: float | None = None


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks, so that no result's memory is mapped anew while the clock runs."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    # lic_bench.machine.allocator does the same for whole runs; this package stands by itself.
    for parameter in (-3, -1):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
        mallopt(parameter, 2**30)


def copy_bandwidth(device: torch.device) -> float:
    """Bytes read plus bytes written per second by torch's own copy of 256 MiB."""
    source = torch.rand(COPIED_BYTES // 4, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED_BYTES / median(samples([lambda: target.copy_(source)], device))


@torch.no_grad()
def measure(
    shape: tuple[int, int, int],
    direction: str,
    backend: str,
    device: torch.device,
    dtype: torch.dtype,
    bandwidth: float,
) -> Timing:
    """One pass of one backend on random input."""
    size = PASSES[direction] * prod(shape) * dtype.itemsize
    on_gpu = device.type == "cuda"
    calls = [_call(shape, direction, backend, device, dtype)]
    if on_gpu and _is_short(calls[0], device):
        calls += [_call(shape, direction, backend, device, dtype) for _ in range(sets(size) - 1)]
    times = samples(calls, device)
    return Timing(
        shape=shape,
        dtype=str(dtype).removeprefix("torch."),
        backend=backend,
        direction=direction,
        median_s=median(times),
        spread=_quartiles(times) / median(times),
        repeats=len(times),
        bytes_moved=size,
        limit_s=size / bandwidth,
        warm_s=median(samples(calls[:1], device)) if on_gpu else None,
        eager_s=median(_repeated(calls[0], device)) if on_gpu else None,
    )


def sets(size: int) -> int:
    """How many calls of so many bytes each move so much together that a cache keeps nothing of the first."""
    return COPIED_BYTES // size + 1


def samples(calls: Sequence[Call], device: torch.device) -> list[float]:
    """Seconds of one call, again and again: on a GPU within replays of a CUDA graph, in which `calls` take turns."""
    if device.type == "cuda":
        rounds = ceil(CALLS / len(calls)) if _is_short(calls[0], device) else 1
        return _repeated(_graph(calls, rounds), device, rounds * len(calls))
    (call,) = calls
    return _repeated(call, device)


def _call(shape: tuple[int, int, int], direction: str, backend: str, device: torch.device, dtype: torch.dtype) -> Call:
    tokens, channels = shape[1:]
    wide = torch.promote_types(dtype, torch.float32)
    w, u = (torch.randn(channels, device=device, dtype=wide) / tokens for _ in range(2))
    k, v, grad = (torch.randn(shape, device=device).to(dtype) for _ in range(3))
    if direction == "forward":
        return lambda: biwkv_op(w, u, k, v, backend)
    return lambda: biwkv_backward_op(w, u, k, v, grad, backend)


def _is_short(call: Call, device: torch.device) -> bool:
    call()  # the very first one compiles
    return _timed(call, device, 1) < LONG_S


def _repeated(run: Call, device: torch.device, calls: int = 1) -> list[float]:
    """Seconds of each of the `calls` in repeated runs, after two that are not counted."""
    run(), run()
    runs = max(1, round(ENQUEUED_S / _timed(run, device, 1))) if device.type == "cuda" else 1
    times: list[float] = []
    while len(times) < LEAST or (sum(times) < BUDGET_S and len(times) < MOST):
        times.append(_timed(run, device, runs))
    return [seconds / calls for seconds in times]


def _timed(run: Call, device: torch.device, runs: int) -> float:
    """Seconds of one of so many runs in a row, between which a GPU does not wait for the host."""
    if device.type != "cuda":
        start = perf_counter()
        run()
        return perf_counter() - start
    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    before.record()
    for _ in range(runs):
        run()
    after.record()
    after.synchronize()
    return before.elapsed_time(after) / 1e3 / runs


def _graph(calls: Sequence[Call], rounds: int) -> Call:
    """The GPU's work of all calls in turn, so many times, without the gaps between launches.

    Each has memory of its own for what it returns: what it writes is in no cache either, unless it is alone.
    """
    for call in calls:
        call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    kept: deque[object] = deque(maxlen=len(calls) - 1)
    with torch.cuda.graph(graph):
        for _ in range(rounds):
            for call in calls:
                kept.append(call())
    return graph.replay


def _quartiles(times: list[float]) -> float:
    ordered = sorted(times)
    return ordered[len(ordered) * 3 // 4] - ordered[len(ordered) // 4]
