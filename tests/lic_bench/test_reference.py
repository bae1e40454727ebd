"""The reference workload really computes and codes, and takes about as long each time."""

import torch

from lic_bench.measurement.reference import workload


def test_a_reading_is_a_time() -> None:
    read = workload(torch.device("cpu"))
    readings = [read() for _ in range(3)]
    assert all(0 < seconds < 5 for seconds in readings)
