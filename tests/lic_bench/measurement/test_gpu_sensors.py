import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from lic_bench.machine import nvml
from lic_bench.machine.gpu import uuid_of
from lic_bench.measurement.gpu_sensors import GpuSensors


def test_a_gpu_that_tells_nothing_has_no_numbers() -> None:
    sensors = GpuSensors(nvml.Gpu(None, "GPU-none"), os.getpid())
    assert (sensors.counters(), sensors.gauges(), sensors.states(), sensors.energy_mj()) == ({}, {}, {}, None)


@pytest.fixture
def gpu() -> nvml.Gpu:
    torch.ones(1, device="cuda")
    found = nvml.find_gpu(uuid_of(torch.device("cuda")))
    assert found is not None
    return found


@pytest.mark.gpu
def test_clock_and_temperature_are_plausible(gpu: nvml.Gpu) -> None:
    gauges = GpuSensors(gpu, os.getpid()).gauges()
    assert 100 < gauges["gpu_sm_mhz"] < 5000
    assert 0 < gauges["gpu_temperature_c"] < 120


@pytest.mark.gpu
def test_a_process_that_is_not_below_the_root_is_foreign(gpu: nvml.Gpu) -> None:
    if os.getpid() not in (gpu.processes() or {}):
        pytest.skip("the driver lists ids of another namespace")
    code = "import torch; torch.ones(1, device='cuda'); print(flush=True); input()"
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as child:
        assert child.stdout is not None
        child.stdout.readline()
        ours = GpuSensors(gpu, os.getpid()).states()["gpu_foreign_processes"]
        assert GpuSensors(gpu, child.pid).states()["gpu_foreign_processes"] == ours + 1
        child.communicate("\n")
