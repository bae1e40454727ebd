import subprocess
import sys
from time import sleep

import numpy as np
import pytest
import torch
from torch import nn

from lic_bench.measurement import peak_memory as memory
from lic_bench.measurement.failures import is_out_of_memory, memory_errors_unified
from lic_bench.measurement.peak_memory import bytes_of_weights, measure_peak_memory


@pytest.mark.skipif(sys.platform != "linux", reason="resident peaks are read from /proc")
def test_a_known_array_reads_as_large_as_it_is() -> None:
    size = 256 * 2**20
    out, found = measure_peak_memory(lambda: float(torch.ones(size // 4).sum()), torch.device("cpu"))
    assert out == size / 4
    assert found["rss_growth"] == pytest.approx(size, rel=0.1)
    assert found["rss"] > found["rss_growth"]


@pytest.mark.skipif(sys.platform != "linux", reason="resident peaks are read from /proc")
def test_one_call_does_not_inherit_the_peak_of_another() -> None:
    measure_peak_memory(lambda: torch.ones(64 * 2**20).sum(), torch.device("cpu"))
    _, found = measure_peak_memory(lambda: None, torch.device("cpu"))
    assert found["rss_growth"] < 32 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc, seen by page faults from /proc")
def test_kept_memory_is_not_mapped_anew_and_peaks_are_read_as_before() -> None:
    code = """
import resource, torch
from lic_bench.machine.allocator import keep_freed_memory
from lic_bench.measurement.peak_memory import measure_peak_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(16 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before, kept, after = faults(), keep_freed_memory(), min(faults() for _ in range(6))
_, memory = measure_peak_memory(lambda: torch.ones(16 * 2**20), torch.device("cpu"))
print(before, kept, after, memory["rss_growth"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    if done[1] == "False":
        pytest.skip("not glibc")
    assert int(done[2]) < int(done[0]) / 10
    assert int(done[3]) == pytest.approx(64 * 2**20, rel=0.1)


def test_shared_weights_count_once() -> None:
    layer = nn.Linear(10, 10, bias=False)
    assert bytes_of_weights(nn.Sequential(layer, layer)) == 400


@pytest.mark.skipif(sys.platform != "linux", reason="has both ways")
def test_where_there_is_no_high_water_mark_the_peak_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> float:
        block = torch.ones(64 * 2**20)
        sleep(0.05)
        return float(block.sum())

    _, exact = measure_peak_memory(work, torch.device("cpu"))
    monkeypatch.setattr(memory, "_reset_peak_rss", lambda: None)
    _, sampled = measure_peak_memory(work, torch.device("cpu"))
    assert sampled.keys() == exact.keys()
    assert sampled["rss"] == pytest.approx(exact["rss"], rel=0.1)
    assert sampled["rss_growth"] == pytest.approx(exact["rss_growth"], rel=0.1)


def test_where_nothing_can_be_read_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_reset_peak_rss", lambda: None)
    monkeypatch.setattr(memory, "shared_sampler", lambda uuid: None)
    assert measure_peak_memory(lambda: "done", torch.device("cpu")) == ("done", {})


@pytest.mark.skipif(sys.platform != "linux", reason="children are told apart by /proc")
def test_the_memory_of_programs_is_told_apart_from_ours() -> None:
    command = [sys.executable, "-c", "import time\nx = b'a' * 200_000_000\ntime.sleep(1)"]
    _, found = measure_peak_memory(lambda: subprocess.run(command, check=True), torch.device("cpu"))
    assert found["children_rss"] == pytest.approx(210e6, rel=0.1)
    assert found["rss_growth"] < 50e6
    assert (
        measure_peak_memory(lambda: None, torch.device("cpu"))[1].get("children_rss", 0) < 50e6
    )  # of what tests before left


def test_sampling_ends_with_a_call_that_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        measure_peak_memory(lambda: 1 // 0, torch.device("cpu"))
    assert measure_peak_memory(lambda: "done", torch.device("cpu"))[0] == "done"


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
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
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


NO_ENGINE = "GET was unable to find an engine to execute this computation"
NO_HANDLE = "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"
CUDA = torch.device("cuda")


class Gpu:
    """What torch tells of one: how often its allocator had no memory, and the bytes that are free."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.refusals, self.free = 3, 2**33
        patch.setattr(torch.cuda, "memory_stats", lambda _: {"num_ooms": self.refusals})
        patch.setattr(torch.cuda, "mem_get_info", lambda _: (self.free, 2**36))

    def fails(self, words: str, *, refusals: int = 0, free: int = 2**33) -> Exception:
        """What is raised of an error in these words, with so many refusals before it and so much memory left."""

        def call() -> None:
            self.refusals, self.free = self.refusals + refusals, free
            raise RuntimeError(words)

        with pytest.raises(RuntimeError) as caught, memory_errors_unified(CUDA):
            call()
        assert str(caught.value) == words
        return caught.value


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    return Gpu(monkeypatch)


@pytest.mark.parametrize("words", [NO_ENGINE, NO_HANDLE])
def test_a_library_that_torch_had_no_memory_for_ran_out_of_it(gpu: Gpu, words: str) -> None:
    assert is_out_of_memory(gpu.fails(words, refusals=9))
    assert not is_out_of_memory(gpu.fails(words)), "refusals of before are no evidence"
    assert not is_out_of_memory(gpu.fails("CUDA error: unspecified launch failure", refusals=9))


def test_a_handle_that_the_driver_had_no_memory_for_ran_out_of_it(gpu: Gpu) -> None:
    assert is_out_of_memory(gpu.fails(NO_HANDLE, free=2**24))
    assert not is_out_of_memory(gpu.fails(NO_ENGINE, free=2**24)), "torch would have been asked"


def test_on_the_cpu_nothing_is_told_otherwise() -> None:
    with pytest.raises(RuntimeError) as caught, memory_errors_unified(torch.device("cpu")):
        raise RuntimeError(NO_HANDLE)
    assert not is_out_of_memory(caught.value)


@pytest.mark.gpu
def test_a_convolution_that_finds_no_memory_is_recognised() -> None:
    torch.backends.cudnn.benchmark = False
    torch.cuda.set_per_process_memory_fraction(0.02)
    convolution = nn.Conv2d(64, 64, 5, padding=2, device=CUDA)

    def grow() -> None:
        for side in range(256, 2**15, 256):
            convolution(torch.zeros(1, 64, side, side, device=CUDA))

    try:
        with pytest.raises(RuntimeError) as caught, memory_errors_unified(CUDA), torch.no_grad():
            grow()
        assert is_out_of_memory(caught.value)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.gpu
def test_a_known_tensor_on_the_gpu() -> None:
    device = torch.device("cuda")
    _, found = measure_peak_memory(lambda: torch.ones(2**28, device=device), device)
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
