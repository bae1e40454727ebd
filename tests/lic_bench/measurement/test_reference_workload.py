"""The reference workload really computes and codes."""

import pytest
import torch

from lic_bench.measurement import reference_workload as reference
from lic_bench.measurement.reference_workload import make_reference_workload


def test_more_work_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    usual = make_reference_workload(cpu)
    channels, side, passes = reference.CONVOLUTION["cpu"]
    monkeypatch.setitem(reference.CONVOLUTION, "cpu", (channels, side, 10 * passes))
    convolving = make_reference_workload(cpu)
    monkeypatch.undo()
    monkeypatch.setattr(reference, "SYMBOLS", 20 * reference.SYMBOLS)
    coding = make_reference_workload(cpu)
    shortest = [min(read() for _ in range(5)) for read in (usual, convolving, coding)]
    assert 0 < 2 * shortest[0] < min(shortest[1:])
