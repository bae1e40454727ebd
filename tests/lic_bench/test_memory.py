import subprocess
import sys

import pytest
import torch
from torch import nn

from lic_bench.measurement.memory import peak, weights_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="resident peaks are read from /proc")
def test_a_known_array_reads_as_large_as_it_is() -> None:
    size = 256 * 2**20
    out, memory = peak(lambda: float(torch.ones(size // 4).sum()), torch.device("cpu"))
    assert out == size / 4
    assert memory["rss_growth"] == pytest.approx(size, rel=0.1)
    assert memory["rss"] > memory["rss_growth"]


@pytest.mark.skipif(sys.platform != "linux", reason="resident peaks are read from /proc")
def test_one_call_does_not_inherit_the_peak_of_another() -> None:
    peak(lambda: torch.ones(64 * 2**20).sum(), torch.device("cpu"))
    _, memory = peak(lambda: None, torch.device("cpu"))
    assert memory["rss_growth"] < 32 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc, seen by page faults from /proc")
def test_kept_memory_is_not_mapped_anew_and_peaks_are_read_as_before() -> None:
    code = """
import resource, torch
from lic_bench.measurement.memory import keep_freed_memory, peak
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(16 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before, kept, after = faults(), keep_freed_memory(), min(faults() for _ in range(6))
_, memory = peak(lambda: torch.ones(16 * 2**20), torch.device("cpu"))
print(before, kept, after, memory["rss_growth"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    if done[1] == "False":
        pytest.skip("not glibc")
    assert int(done[2]) < int(done[0]) / 10
    assert int(done[3]) == pytest.approx(64 * 2**20, rel=0.1)


def test_shared_weights_count_once() -> None:
    layer = nn.Linear(10, 10, bias=False)
    assert weights_bytes(nn.Sequential(layer, layer)) == 400


def test_where_it_cannot_be_read_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert peak(lambda: "done", torch.device("cpu")) == ("done", {})


@pytest.mark.gpu
def test_a_known_tensor_on_the_gpu() -> None:
    device = torch.device("cuda")
    _, memory = peak(lambda: torch.ones(2**28, device=device), device)
    assert memory["allocated_growth"] == 2**30
    assert memory["allocated"] >= memory["allocated_growth"]
