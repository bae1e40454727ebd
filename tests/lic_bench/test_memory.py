import subprocess
import sys
from time import sleep

import numpy as np
import pytest
import torch
from torch import nn

from lic_bench.measurement import memory
from lic_bench.measurement.memory import is_out_of_memory, peak, weights_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="resident peaks are read from /proc")
def test_a_known_array_reads_as_large_as_it_is() -> None:
    size = 256 * 2**20
    out, found = peak(lambda: float(torch.ones(size // 4).sum()), torch.device("cpu"))
    assert out == size / 4
    assert found["rss_growth"] == pytest.approx(size, rel=0.1)
    assert found["rss"] > found["rss_growth"]


@pytest.mark.skipif(sys.platform != "linux", reason="resident peaks are read from /proc")
def test_one_call_does_not_inherit_the_peak_of_another() -> None:
    peak(lambda: torch.ones(64 * 2**20).sum(), torch.device("cpu"))
    _, found = peak(lambda: None, torch.device("cpu"))
    assert found["rss_growth"] < 32 * 2**20


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


@pytest.mark.skipif(sys.platform != "linux", reason="has both ways")
def test_where_there_is_no_high_water_mark_the_peak_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> float:
        block = torch.ones(64 * 2**20)
        sleep(0.05)
        return float(block.sum())

    _, exact = peak(work, torch.device("cpu"))
    monkeypatch.setattr(memory, "_reset_peak_rss", lambda: None)
    _, sampled = peak(work, torch.device("cpu"))
    assert sampled.keys() == exact.keys()
    assert sampled["rss"] == pytest.approx(exact["rss"], rel=0.1)
    assert sampled["rss_growth"] == pytest.approx(exact["rss_growth"], rel=0.1)


def test_where_nothing_can_be_read_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_reset_peak_rss", lambda: None)
    monkeypatch.setattr(memory, "side_of", lambda uuid: None)
    assert peak(lambda: "done", torch.device("cpu")) == ("done", {})


@pytest.mark.skipif(sys.platform != "linux", reason="children are told apart by /proc")
def test_the_memory_of_programs_is_told_apart_from_ours() -> None:
    command = [sys.executable, "-c", "import time\nx = b'a' * 200_000_000\ntime.sleep(1)"]
    _, found = peak(lambda: subprocess.run(command, check=True), torch.device("cpu"))
    assert found["children_rss"] == pytest.approx(210e6, rel=0.1)
    assert found["rss_growth"] < 50e6
    assert peak(lambda: None, torch.device("cpu"))[1].get("children_rss", 0) < 50e6  # of what tests before left


def test_sampling_ends_with_a_call_that_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        peak(lambda: 1 // 0, torch.device("cpu"))
    assert peak(lambda: "done", torch.device("cpu"))[0] == "done"


def test_torchs_own_exhaustion_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def test_numpys_and_pythons_too() -> None:
    with pytest.raises(MemoryError) as caught:
        np.empty(2**50, dtype=np.uint8)
    assert is_out_of_memory(caught.value)
    with pytest.raises(MemoryError) as caught:
        bytearray(2**60)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_what_gpu_libraries_say(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_other_failures_are_not_exhaustion() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2) @ torch.ones(3)
    assert not is_out_of_memory(caught.value)
    assert not is_out_of_memory(ValueError("out of memory"))


@pytest.mark.gpu
def test_a_known_tensor_on_the_gpu() -> None:
    device = torch.device("cuda")
    _, found = peak(lambda: torch.ones(2**28, device=device), device)
    assert found["allocated_growth"] == 2**30
    assert found["allocated"] >= found["allocated_growth"]
    assert found["reserved"] >= found["allocated"]
    assert found["reserved_growth"] >= 2**30
    assert found["rss"] > 0
    assert found["nvml_device"] >= 2**30
    assert found.get("nvml_process", 2**30) >= 2**30, "absent where the driver lists ids of another namespace"


@pytest.mark.gpu
def test_exhaustion_of_the_gpu_is_recognised() -> None:
    with pytest.raises(torch.OutOfMemoryError) as caught:
        torch.empty(2**50, dtype=torch.uint8, device="cuda")
    assert is_out_of_memory(caught.value)
