"""NVML's values with pynvml's own constants; what needs a GPU is marked so."""

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
without_driver = pytest.mark.skipif(nvml.library_is_open(), reason="there is a driver here")


@pytest.mark.parametrize("constant", CONSTANTS)
def test_reasons_have_the_meaning_of_pynvmls_constants(constant: str) -> None:
    assert nvml.clock_reason_names(getattr(pynvml, f"nvmlClocksThrottleReason{constant}")) == [CONSTANTS[constant]]


def test_several_reasons_none_and_one_of_the_future() -> None:
    both = pynvml.nvmlClocksThrottleReasonSwPowerCap | pynvml.nvmlClocksThrottleReasonHwThermalSlowdown
    assert nvml.clock_reason_names(both) == ["power_cap", "hw_thermal_slowdown"]
    assert nvml.clock_reason_names(pynvml.nvmlClocksThrottleReasonNone) == []
    assert nvml.clock_reason_names(1 << 40) == ["bit_0x10000000000"]


def test_locked_clocks() -> None:
    assert nvml.clocks_are_locked(1410, 1980, []) is True
    assert nvml.clocks_are_locked(1980, 1980, ["power_cap"]) is False
    assert nvml.clocks_are_locked(1980, 1980, [nvml.CLOCKS_SETTING]) is True
    assert nvml.clocks_are_locked(None, None, []) is False
    assert nvml.clocks_are_locked(None, None, None) is nvml.clocks_are_locked(1980, 1980, None) is None
    assert nvml.clocks_are_locked(1980, 1980, ["idle"]) is None, "a lock shows under load only"
    assert nvml.clocks_are_locked(1410, 1980, ["idle"]) is True


def test_foreign_processes_are_counted_where_ids_mean_something() -> None:
    def ours(pid: int) -> bool:
        return pid in (10, 11)

    assert nvml.count_foreign([10, 11], ours, lambda pid: True) == 0
    assert nvml.count_foreign([10, 12, 13], ours, lambda pid: True) == 2
    assert nvml.count_foreign([10, 12], ours, lambda pid: False) is None, "an id of another namespace"
    assert nvml.count_foreign([], ours, lambda pid: True) is None, "ours are on it, so the list leaves out"
    assert nvml.count_foreign([12, 13], ours, lambda pid: True) is None


def test_bytes_of_some_processes() -> None:
    held = {10: 100, 11: 20, 12: None, 13: 5}
    assert nvml.bytes_held_by(held, [10, 11, 11, 12]) == 120
    assert nvml.bytes_held_by(held, [12]) is None
    assert nvml.bytes_held_by(held, [99]) is None
    assert nvml.bytes_held_by(None, [10]) is None


def test_a_hashed_uuid_tells_two_apart_and_neither_which() -> None:
    one, two = (nvml.hash_uuid(f"GPU-{n}1111111-2222-3333-4444-555555555555") for n in (1, 2))
    assert one != two
    assert len(one) == 12
    assert "1111" not in one
    bare = "11111111-2222-3333-4444-555555555555"
    assert nvml.hash_uuid(bare) == nvml.hash_uuid(bare.upper()) == nvml.hash_uuid(f"MIG-{bare}") == one, (
        "as torch or NVML has it"
    )


def test_without_a_gpu_every_answer_is_none() -> None:
    assert nvml.find_gpu(None) is nvml.find_gpu("") is nvml.find_gpu("no such gpu") is None
    assert nvml.query("nvmlNoSuchFunction") is None
    gpu = nvml.Gpu(None, "GPU-none")
    answers = [gpu.processes(), gpu.memory_used(), gpu.reasons(), gpu.clocks_locked(), gpu.query("Name")]
    assert answers == [None] * len(answers)


def test_every_question_is_one_of_pynvmls() -> None:
    """A misspelt one would be answered None for ever."""
    root = Path(nvml.__file__).parents[1]
    text = "".join(file.read_text() for file in root.rglob("*.py"))
    asked = {f"nvmlDeviceGet{name}" for name in re.findall(r'\b(?:query|watts)\("([A-Z]\w+)"', text)}
    asked |= set(re.findall(r'query\("(nvml\w+)"', text))
    assert len(asked) > 25
    assert [name for name in sorted(asked) if not hasattr(pynvml, name)] == []


@without_driver
def test_without_a_driver_nothing_is_raised() -> None:
    assert not nvml.library_is_open()
    assert nvml.query("nvmlSystemGetDriverVersion") is None


@pytest.mark.gpu
def test_the_gpu_is_found_by_torchs_uuid() -> None:
    gpu = nvml.find_gpu(uuid_of(torch.device("cuda")))
    assert gpu is not None
    torch.ones(1, device="cuda")
    assert (gpu.memory_used() or 0) > 0
    assert isinstance(gpu.reasons(), list)
    assert gpu.clocks_locked() in (True, False, None)
