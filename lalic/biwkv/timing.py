"""How long BiWKV takes, and how long it must take at least: its bytes once over the memory's copy bandwidth."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

from lalic.biwkv.operator import biwkv_backward_op, biwkv_op

BUDGET_S = 2.0  # per backend, shape and direction
LEAST, MOST = 5, 200  # repeats
ENQUEUED_S = 2e-3  # of GPU work per sample, so that starting the first call does not count
COPIED_BYTES = 2**28  # well above any cache's share


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One backend at one shape. spread: interquartile range over the median."""

    shape: tuple[int, int, int]  # B, T, C
    backend: str
    direction: str  # forward or backward
    median_s: float
    spread: float
    repeats: int
    bytes_moved: int  # each input read once, each output written once
    limit_s: float


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks, so that no result's memory is mapped anew while the clock runs."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    for parameter in (-3, -1):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
        mallopt(parameter, 2**30)


def copy_bandwidth(device: torch.device) -> float:
    """Bytes read plus bytes written per second by torch's own copy of 256 MiB."""
    source = torch.rand(COPIED_BYTES // 4, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED_BYTES / median(samples(lambda: target.copy_(source), device))


def measure(
    shape: tuple[int, int, int], backend: str, device: torch.device, dtype: torch.dtype, bandwidth: float
) -> Iterator[Timing]:
    """Forward and backward of one backend on fresh random input, warm."""
    tokens, channels = shape[1:]
    wide = torch.promote_types(dtype, torch.float32)
    w, u = (torch.randn(channels, device=device, dtype=wide) / tokens for _ in range(2))
    k, v, grad = (torch.randn(shape, device=device).to(dtype) for _ in range(3))
    passes: dict[str, tuple[Callable[[], object], list[Tensor]]] = {
        "forward": (lambda: biwkv_op(w, u, k, v, backend), [k, v, k]),
        "backward": (lambda: biwkv_backward_op(w, u, k, v, grad, backend), [k, v, grad, k, v]),
    }
    with torch.no_grad():
        for direction, (run, moved) in passes.items():
            times = samples(run, device)
            size = sum(tensor.nbytes for tensor in moved)
            yield Timing(
                shape=shape,
                backend=backend,
                direction=direction,
                median_s=median(times),
                spread=_quartiles(times) / median(times),
                repeats=len(times),
                bytes_moved=size,
                limit_s=size / bandwidth,
            )


def samples(run: Callable[[], object], device: torch.device) -> list[float]:
    """Seconds of repeated calls after two that are not counted: on a GPU of replays of a CUDA graph of the call."""
    calls = 1
    if device.type == "cuda":
        run = _graph(run)
        calls = max(1, round(ENQUEUED_S / _timed(run, device, 1)))
    run(), run()
    times: list[float] = []
    while len(times) < LEAST or (sum(times) < BUDGET_S and len(times) < MOST):
        times.append(_timed(run, device, calls))
    return times


def _timed(run: Callable[[], object], device: torch.device, calls: int) -> float:
    """Seconds of one of so many calls in a row, between which a GPU does not wait for the host."""
    if device.type != "cuda":
        start = perf_counter()
        run()
        return perf_counter() - start
    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    before.record()
    for _ in range(calls):
        run()
    after.record()
    after.synchronize()
    return before.elapsed_time(after) / 1e3 / calls


def _graph(run: Callable[[], object]) -> Callable[[], object]:
    """The call's GPU work alone, without the gaps between launches."""
    run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def _quartiles(times: list[float]) -> float:
    ordered = sorted(times)
    return ordered[len(ordered) * 3 // 4] - ordered[len(ordered) // 4]
