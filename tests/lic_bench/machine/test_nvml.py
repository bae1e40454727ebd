"""NVML's values with pynvml's own constants; what needs a GPU is marked so."""

import os
import re
from pathlib import Path

import pynvml
import pytest
import torch

from lic_bench.machine import nvml
from lic_bench.machine.gpu import uuid_of

CONSTANTS = {
    "GpuIdle": "idle",
    "ApplicationsClocksSetting": "clocks_setting",
    "SwPowerCap": "power_cap",
    "HwSlowdown": "hw_slowdown",
    "SyncBoost": "sync_boost",
    "SwThermalSlowdown": "sw_thermal_slowdown",
    "HwThermalSlowdown": "hw_thermal_slowdown",
    "HwPowerBrakeSlowdown": "power_brake",
    "DisplayClockSetting": "display_clocks_setting",
}
without_driver = pytest.mark.skipif(nvml.initialised(), reason="there is a driver here")


@pytest.mark.parametrize("constant", CONSTANTS)
def test_reasons_have_the_meaning_of_pynvmls_constants(constant: str) -> None:
    assert nvml.reason_names(getattr(pynvml, f"nvmlClocksThrottleReason{constant}")) == [CONSTANTS[constant]]


def test_several_reasons_none_and_one_of_the_future() -> None:
    both = pynvml.nvmlClocksThrottleReasonSwPowerCap | pynvml.nvmlClocksThrottleReasonHwThermalSlowdown
    assert nvml.reason_names(both) == ["power_cap", "hw_thermal_slowdown"]
    assert nvml.reason_names(pynvml.nvmlClocksThrottleReasonNone) == []
    assert nvml.reason_names(1 << 40) == ["bit_0x10000000000"]


def test_locked_clocks() -> None:
    assert nvml.locked(1410, 1980, []) is True
    assert nvml.locked(1980, 1980, ["power_cap"]) is False
    assert nvml.locked(1980, 1980, [nvml.CLOCKS_SETTING]) is True
    assert nvml.locked(None, None, []) is False
    assert nvml.locked(None, None, None) is nvml.locked(1980, 1980, None) is None
    assert nvml.locked(1980, 1980, ["idle"]) is None, "a lock shows under load only"
    assert nvml.locked(1410, 1980, ["idle"]) is True


def test_foreign_processes_are_counted_where_ids_mean_something() -> None:
    def ours(pid: int) -> bool:
        return pid in (10, 11)

    assert nvml.foreign([10, 11], ours, lambda pid: True) == 0
    assert nvml.foreign([10, 12, 13], ours, lambda pid: True) == 2
    assert nvml.foreign([10, 12], ours, lambda pid: False) is None, "an id of another namespace"
    assert nvml.foreign([], ours, lambda pid: True) is None, "ours are on it, so the list leaves out"
    assert nvml.foreign([12, 13], ours, lambda pid: True) is None


def test_bytes_of_some_processes() -> None:
    held = {10: 100, 11: 20, 12: None, 13: 5}
    assert nvml.bytes_of(held, [10, 11, 11, 12]) == 120
    assert nvml.bytes_of(held, [12]) is None
    assert nvml.bytes_of(held, [99]) is None
    assert nvml.bytes_of(None, [10]) is None


def test_who_exists() -> None:
    assert nvml.exists(os.getpid())
    assert nvml.exists(1), "not ours to signal, but there"
    assert not nvml.exists(2**22 + 1), "beyond the kernel's largest id"
    assert not nvml.exists(0)


def test_a_hashed_uuid_tells_two_apart_and_neither_which() -> None:
    one, two = (nvml.hashed(f"GPU-{n}1111111-2222-3333-4444-555555555555") for n in (1, 2))
    assert one != two
    assert len(one) == 12
    assert "1111" not in one
    bare = "11111111-2222-3333-4444-555555555555"
    assert nvml.hashed(bare) == nvml.hashed(bare.upper()) == nvml.hashed(f"MIG-{bare}") == one, (
        "as torch or NVML has it"
    )


def test_without_a_gpu_every_answer_is_none() -> None:
    assert nvml.find(None) is nvml.find("") is nvml.find("no such gpu") is None
    assert nvml.ask("nvmlNoSuchFunction") is None
    gpu = nvml.Gpu(None, "GPU-none")
    answers = [gpu.processes(), gpu.memory_used(), gpu.reasons(), gpu.clocks_locked(), gpu.ask("Name")]
    assert answers == [None] * len(answers)


def test_every_question_is_one_of_pynvmls() -> None:
    """A misspelt one would be answered None for ever."""
    root = Path(nvml.__file__).parent
    text = "".join(file.read_text() for file in (*root.glob("*.py"), *root.glob("m*/*.py")))
    asked = {f"nvmlDeviceGet{name}" for name in re.findall(r'\b(?:ask|watts)\("([A-Z]\w+)"', text)}
    asked |= set(re.findall(r'ask\("(nvml\w+)"', text))
    assert len(asked) > 20
    assert [name for name in sorted(asked) if not hasattr(pynvml, name)] == []


@without_driver
def test_without_a_driver_nothing_is_raised() -> None:
    assert not nvml.initialised()
    assert nvml.ask("nvmlSystemGetDriverVersion") is None


@pytest.mark.gpu
def test_the_gpu_is_found_by_torchs_uuid() -> None:
    gpu = nvml.find(uuid_of(torch.device("cuda")))
    assert gpu is not None
    torch.ones(1, device="cuda")
    assert (gpu.memory_used() or 0) > 0
    assert isinstance(gpu.reasons(), list)
    assert gpu.clocks_locked() in (True, False, None)
