"""The reference workload: a convolution and an entropy coder, as a codec has them, the same on every machine."""

from collections.abc import Callable
from statistics import median
from time import perf_counter_ns

import torch
import torch.nn.functional as F

from lic_bench.measurement.stopwatch import sync

CONVOLUTION = {"cpu": (64, 96, 2), "cuda": (192, 256, 4)}  # channels, side, passes: some milliseconds
SYMBOLS = 50_000
CALLS = 3  # per measurement, which is their median
CDF = [[0, 1 << 14, 3 << 14, (1 << 16) - 1, 1 << 16]]  # three symbols of 1/4, 1/2, 1/4, and one for all others


def make_reference_workload(device: torch.device) -> Callable[[], float]:
    """A warm function that returns the seconds of the workload: the convolution on `device`, the coder on the CPU."""
    from compressai import ans  # takes two seconds: only runs that take times import it

    channels, side, passes = CONVOLUTION[device.type]
    x = torch.ones(1, channels, side, side, device=device)
    weight = torch.full((channels, channels, 3, 3), 1 / (9 * channels), device=device)
    symbols = [index % 3 - 1 for index in range(SYMBOLS)]
    zeros = [0] * SYMBOLS

    @torch.no_grad()
    def time_once() -> float:
        sync(device)
        start = perf_counter_ns()
        y = x
        for _ in range(passes):
            y = F.conv2d(y, weight, padding=1)
        sync(device)
        ans.RansEncoder().encode_with_indexes(symbols, zeros, CDF, [len(CDF[0])], [-1])
        return (perf_counter_ns() - start) / 1e9

    def time_workload() -> float:
        return median(time_once() for _ in range(CALLS))

    for _ in range(CALLS):
        time_workload()
    return time_workload
