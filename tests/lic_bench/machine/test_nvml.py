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
without_driver = pytest.mark.skipif(nvml.library_is_open(), reason="there is a driver here")


@pytest.mark.parametrize("constant", CONSTANTS)
def test_reasons_have_the_meaning_of_pynvmls_constants(constant: str) -> None:
    assert nvml.clock_reason_names(getattr(pynvml, f"nvmlClocksThrottleReason{constant}")) == [CONSTANTS[constant]]


def test_several_reasons_none_and_one_of_the_future() -> None:
    both = pynvml.nvmlClocksThrottleReasonSwPowerCap | pynvml.nvmlClocksThrottleReasonHwThermalSlowdown
    assert nvml.clock_reason_names(both) == ["power_cap", "hw_thermal_slowdown"]
    assert nvml.clock_reason_names(pynvml.nvmlClocksThrottleReasonNone) == []
    assert nvml.clock_reason_names(1 << 40) == ["bit_0x10000000000"]


@pytest.mark.parametrize(
    ("applied", "default", "reasons", "locked"),
    [
        (1410, 1980, 0x0, True),
        (1980, 1980, 0x4, False),
        (1980, 1980, 0x2, True),
        (None, None, 0x0, False),
        (None, None, None, None),
        (1980, 1980, None, None),
        (1980, 1980, 0x1, None),  # idle: a lock shows under load only
        (1410, 1980, 0x1, True),
    ],
)
def test_locked_clocks(
    applied: int | None, default: int | None, reasons: int | None, locked: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"ApplicationsClock": applied, "DefaultApplicationsClock": default, "CurrentClocksEventReasons": reasons}
    monkeypatch.setattr(nvml, "query", lambda name, *_: answers.get(name.removeprefix("nvmlDeviceGet")))
    assert nvml.Gpu(None, "GPU-0").clocks_locked() is locked


def test_foreign_processes_are_counted_where_ids_mean_something() -> None:
    own, parent, nobody = os.getpid(), os.getppid(), 2**22 + 1  # beyond the kernel's largest id
    assert nvml.count_foreign([own, 10], {own, 10}) == 0
    assert nvml.count_foreign([own, parent], {own}) == 1
    assert nvml.count_foreign([own, nobody], {own}) is None, "an id of another namespace"
    assert nvml.count_foreign([], {own}) is None, "ours are on it, so the list leaves out"
    assert nvml.count_foreign([parent], {own}) is None


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
