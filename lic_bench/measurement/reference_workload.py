"""The reference workload: a convolution and an entropy coder, as a codec has them, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter_ns

import torch
import torch.nn.functional as F

from lic_bench.measurement.stopwatch import sync

CONVOLUTION = {"cpu": (64, 96, 2), "cuda": (192, 256, 4)}  # channels, side, passes: some milliseconds there
SYMBOLS = 50_000
CALLS = 3  # per reading, of which the median counts
CDF = [[0, 1 << 14, 3 << 14, (1 << 16) - 1, 1 << 16]]  # three symbols of 1/4, 1/2, 1/4, and one for all others


def make_reference_workload(device: torch.device) -> Callable[[], float]:
    """A function that does it and gives the seconds it took: the convolution on `device`, the coder on the CPU."""
    from compressai import ans  # two seconds, for runs that take times only

    channels, side, passes = CONVOLUTION[device.type]
    x = torch.ones(1, channels, side, side, device=device)
    weight = torch.full((channels, channels, 3, 3), 1 / (9 * channels), device=device)
    symbols = [index % 3 - 1 for index in range(SYMBOLS)]
    zeros = [0] * SYMBOLS

    @torch.no_grad()
    def once() -> float:
        sync(device)
        start = perf_counter_ns()
        y = x
        for _ in range(passes):
            y = F.conv2d(y, weight, padding=1)
        sync(device)
        ans.RansEncoder().encode_with_indexes(symbols, zeros, CDF, [len(CDF[0])], [-1])
        return (perf_counter_ns() - start) / 1e9

    def read() -> float:
        return median(once() for _ in range(CALLS))

    for _ in range(CALLS):
        read()
    return read
