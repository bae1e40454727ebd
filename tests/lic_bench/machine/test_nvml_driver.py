"""Everything that asks NVML, against a library with its real C interface and known answers (tests/nvml/driver.c).

The code runs in a process of its own, which finds that library where it would find the driver's; the test changes the
answers between two calls.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lic_bench.machine.nvml import hash_uuid

HERE = Path(__file__).parents[2] / "nvml"
UUID = "8f0e1b2c-3d4e-5f60-7182-93a4b5c6d7e8"
SLICE = "11111111-2222-3333-4444-555555555555"
GIB = 2**30
LOST, NOT_SUPPORTED, NO_PERMISSION = 15, 3, 4
SM, MEMORY, POWER, THERMAL = 1, 2, 0, 1  # of nvml.h: clocks, then policies
PROCESSES = "DeviceGetComputeRunningProcesses_v3"

START = {
    "nvmlInitWithFlags": 0,
    "devices": f"GPU-{UUID} MIG-{SLICE}",
    "nvmlSystemGetDriverVersion": "580.65.06",
    "nvmlSystemGetCudaDriverVersion": 13000,
}
ANSWERS = START | {
    "nvmlDeviceGetName": "Example GPU 80GB",
    "nvmlDeviceGetVbiosVersion": "96.00.A5.00.01",
    "nvmlDeviceGetMemoryInfo": f"{80 * GIB} {10 * GIB}",
    "nvmlDeviceGetComputeRunningProcesses_v3": "",
    "nvmlDeviceGetTotalEnergyConsumption": 5_000_000_000_000,
    f"nvmlDeviceGetViolationStatus.{POWER}": 7_000_000_000,
    f"nvmlDeviceGetViolationStatus.{THERMAL}": 250_000_000,
    f"nvmlDeviceGetClockInfo.{SM}": 1980,
    "nvmlDeviceGetTemperature.0": 41,
    "nvmlDeviceGetPowerUsage": 123_456,
    "nvmlDeviceGetUtilizationRates": "97 12",
    "nvmlDeviceGetCurrentClocksEventReasons": 0,
    f"nvmlDeviceGetApplicationsClock.{SM}": 1980,
    f"nvmlDeviceGetApplicationsClock.{MEMORY}": 2619,
    f"nvmlDeviceGetDefaultApplicationsClock.{SM}": 1980,
    f"nvmlDeviceGetDefaultApplicationsClock.{MEMORY}": 2619,
    f"nvmlDeviceGetMaxClockInfo.{SM}": 1995,
    f"nvmlDeviceGetMaxClockInfo.{MEMORY}": 2620,
    "nvmlDeviceGetMigMode": "0 1",
    "nvmlDeviceGetEccMode": "1 1",
    "nvmlDeviceGetPersistenceMode": 1,
    "nvmlDeviceGetComputeMode": 3,
    "nvmlDeviceGetEnforcedPowerLimit": 650_000,
    "nvmlDeviceGetPowerManagementDefaultLimit": 700_000,
    "nvmlDeviceGetCurrPcieLinkGeneration": 4,
    "nvmlDeviceGetMaxPcieLinkGeneration": 5,
    "nvmlDeviceGetCurrPcieLinkWidth": 8,
    "nvmlDeviceGetMaxPcieLinkWidth": 16,
}
IMPORTS = f"""
import os, subprocess, sys, threading, time
from types import SimpleNamespace as Properties
from lic_bench.terminal.findings import gpu_findings
from lic_bench.machine import nvml
from lic_bench.measurement import machine_monitor, energy_per_call
from lic_bench.measurement import disturbances, gpu_sensors, memory_sampler, memory_sampler_main
gpu = nvml.find_gpu("{UUID}")
sensors = gpu_sensors.GpuSensors(gpu, os.getpid())
machine_monitor.uuid_of = lambda _: "{UUID}"

def works(watch, idle, busy, seconds=60):
    # an interval in which the driver says `busy` until that was seen, and `idle` before and after
    def say(lines):
        path = os.environ["NVML_ANSWERS"]
        with open(path + ".mine", "w") as answers:
            answers.write(lines)
        os.replace(path + ".mine", path)
    end = time.monotonic() + seconds
    say(idle)
    before = watch.take_reading()
    with watch.poll_gpu():
        say(busy)
        while watch._readings[-1].idle and time.monotonic() < end:
            time.sleep(0.001)
    say(idle)
    return watch.summarise_since(before)
"""
IMPORTS_TORCH = (
    IMPORTS
    + f"""
import torch
from lic_bench.machine import gpu as gpu_module, published_settings
from lic_bench.measurement import peak_memory
peak_memory.uuid_of = machine_monitor.uuid_of
torch.cuda.get_device_properties = lambda _: Properties(
    name="Example GPU 80GB", uuid="{UUID}", total_memory=80 * 2**30, major=9, minor=0, multi_processor_count=132
)
"""
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stand-in is a library of Linux")


class Asked:
    """A process in which lic-bench runs with that driver."""

    def __init__(self, library: Path, statements: str) -> None:
        self._answers = library / "answers"
        self.says(ANSWERS)
        paths = os.pathsep.join(filter(None, (str(library), os.environ.get("LD_LIBRARY_PATH"))))
        environment = os.environ | {"LD_LIBRARY_PATH": paths, "NVML_ANSWERS": str(self._answers)}
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([sys.executable, HERE / "asked.py", statements], env=environment, **pipes)
        self.pid = self._process.pid
        self.ours = {f"nvml{PROCESSES}": f"{self.pid}:{GIB}"}

    def says(self, answers: Mapping[str, Any], **changes: Any) -> None:
        """From now on the driver gives these answers and no others; changes: names without the "nvml"."""
        lines = dict(answers) | {f"nvml{name}": value for name, value in changes.items()}
        fresh = self._answers.with_suffix(".fresh")
        fresh.write_text("".join(f"{name} {value}\n" for name, value in lines.items()), errors="surrogateescape")
        fresh.replace(self._answers)

    def __call__(self, expression: str) -> Any:
        """The expression's value in that process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{expression}\n")
        self._process.stdin.flush()
        outcome, value = json.loads(self._process.stdout.readline())
        assert outcome == "ok", value
        return value

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Asked]]:
    """start(statements, release): a process with the driver of that release, which has run these statements."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        pytest.skip("no C compiler for the stand-in of the driver")
    started: list[Asked] = []

    def start(statements: str, release: int = 580) -> Asked:
        folder = tmp_path_factory.mktemp("driver")
        command = [compiler, "-std=gnu11", "-O1", "-Wall", "-Wextra", "-fvisibility=hidden", "-shared"]
        library = folder / "libnvidia-ml.so.1"
        subprocess.run([*command, "-fPIC", f"-DDRIVER={release}", "-o", library, HERE / "driver.c"], check=True)
        started.append(Asked(folder, statements))
        return started[-1]

    yield start
    for asked in started:
        asked.close()


@pytest.fixture(scope="module")
def process(start: Callable[..., Asked]) -> Asked:
    return start(IMPORTS)


@pytest.fixture
def asked(process: Asked) -> Asked:
    """The driver gives the answers above, whatever another test has made of it."""
    process.says(ANSWERS)
    return process


@pytest.fixture(scope="module")
def process_with_torch(start: Callable[..., Asked]) -> Asked:
    return start(IMPORTS_TORCH)


@pytest.fixture
def asked_torch(process_with_torch: Asked) -> Asked:
    process_with_torch.says(ANSWERS)
    return process_with_torch


def without(*names: str) -> dict[str, Any]:
    """The answers but for those of functions that end so."""
    return {name: answer for name, answer in ANSWERS.items() if not name.endswith(names)}


def test_a_gpu_or_a_slice_is_found_by_its_uuid_with_or_without_prefix(asked: Asked) -> None:
    for name in (UUID, f"GPU-{UUID}"):
        assert asked(f"nvml.find_gpu({name!r}).uuid") == f"GPU-{UUID}"
    assert asked(f"nvml.find_gpu({SLICE!r}).uuid") == f"MIG-{SLICE}"
    assert asked("nvml.find_gpu('11111111-2222-3333-4444-000000000000')") is None
    assert asked("nvml.find_gpu(None)") is None


@pytest.mark.parametrize("answer", ["error 9", "error 18", "error 999"])
def test_a_driver_that_is_not_loaded_or_of_another_version_is_none(asked: Asked, answer: str) -> None:
    asked.says(ANSWERS, InitWithFlags=answer)
    asked("nvml.library_is_open.cache_clear()")
    try:
        assert asked(f"nvml.find_gpu({UUID!r})") is None
        assert asked("nvml.query('nvmlSystemGetDriverVersion')") is None
    finally:
        asked("nvml.library_is_open.cache_clear()")


COUNTERS = {"gpu_energy_j": 5e9, "gpu_power_cap_s": 7.0, "gpu_thermal_s": 0.25}
GAUGES = {"gpu_sm_mhz": 1980, "gpu_temperature_c": 41, "gpu_power_w": 123.456, "gpu_utilisation_pct": 97}
FACTS = {"gpu_foreign_processes": 0, "gpu_reasons": [], "gpu_clocks_locked": False}


def all_of(asked: Asked) -> dict[str, Any]:
    return dict(asked("sensors.counters() | sensors.gauges() | sensors.states()"))


def test_the_meter_in_seconds_joules_and_watts(asked: Asked) -> None:
    asked.says(ANSWERS | asked.ours)
    assert asked("sensors.counters()") == COUNTERS
    assert asked("sensors.gauges()") == GAUGES
    assert asked("sensors.states()") == FACTS
    assert asked("sensors.energy_mj()") == 5e12
    assert asked("gpu.memory_used()") == 10 * GIB


@pytest.mark.parametrize(
    ("function", "absent"),
    [
        ("TotalEnergyConsumption", {"gpu_energy_j"}),
        (f"ViolationStatus.{POWER}", {"gpu_power_cap_s"}),
        (f"ViolationStatus.{THERMAL}", {"gpu_thermal_s"}),
        (f"ClockInfo.{SM}", {"gpu_sm_mhz"}),
        ("Temperature.0", {"gpu_temperature_c"}),
        ("PowerUsage", {"gpu_power_w"}),
        ("UtilizationRates", {"gpu_utilisation_pct"}),
        ("ComputeRunningProcesses_v3", {"gpu_foreign_processes"}),
        ("CurrentClocksEventReasons", {"gpu_reasons", "gpu_clocks_locked"}),
        (f"ApplicationsClock.{SM}", set()),  # whether clocks are set is then told by the reasons
    ],
)
@pytest.mark.parametrize("code", [NOT_SUPPORTED, NO_PERMISSION, LOST, 999])
def test_what_one_function_does_not_tell_is_absent_alone(
    asked: Asked, function: str, absent: set[str], code: int
) -> None:
    asked.says(ANSWERS | asked.ours | {f"nvmlDeviceGet{function}": f"error {code}"})
    whole = COUNTERS | GAUGES | FACTS
    assert all_of(asked) == {name: value for name, value in whole.items() if name not in absent}


@pytest.mark.parametrize("answers", [START, ANSWERS | {"*": f"error {LOST}"}], ids=["nothing supported", "gpu lost"])
def test_a_driver_that_tells_nothing_leaves_nothing(asked: Asked, answers: dict[str, Any]) -> None:
    asked.says(answers)
    assert all_of(asked) == {}
    assert asked("[sensors.energy_mj(), gpu.memory_used(), gpu.processes(), gpu.clocks_locked()]") == [None] * 4


def test_a_driver_older_than_some_functions(start: Callable[..., Asked]) -> None:
    old = start(IMPORTS, 470)
    old.says(ANSWERS, DeviceGetCurrentClocksThrottleReasons="0x6")
    facts = {"gpu_reasons": ["clocks_setting", "power_cap"], "gpu_clocks_locked": True}
    assert all_of(old) == COUNTERS | GAUGES | facts
    assert old("gpu.processes()") is None


def test_a_text_that_is_none_is_not_told(asked: Asked) -> None:
    asked.says(ANSWERS, SystemGetDriverVersion="\udcf8", DeviceGetName="Example \udcff")
    assert asked("[nvml.query('nvmlSystemGetDriverVersion'), gpu.query('Name')]") == [None, None]


def test_a_slice_that_tells_its_memory_and_processes_only(asked: Asked) -> None:
    memory = f"{20 * GIB} {3 * GIB}"
    asked.says(START, DeviceGetMemoryInfo=memory, DeviceGetComputeRunningProcesses_v3=f"{asked.pid}:{GIB}")
    asked(f"let(part=nvml.find_gpu({SLICE!r}))")
    assert asked("part.memory_used()") == 3 * GIB
    assert asked("gpu_sensors.GpuSensors(part, os.getpid()).states()") == {"gpu_foreign_processes": 0}
    assert asked("gpu_sensors.GpuSensors(part, os.getpid()).energy_mj()") is None


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        ("0x0", []),
        ("0x1", ["idle"]),
        ("0x4", ["power_cap"]),
        ("0x68", ["hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown"]),
        ("0x8000000000000080", ["power_brake", "bit_0x8000000000000000"]),
    ],
)
def test_why_the_clocks_are_not_the_highest(asked: Asked, bits: str, names: list[str]) -> None:
    asked.says(ANSWERS, DeviceGetCurrentClocksEventReasons=bits)
    assert asked("gpu.reasons()") == names


def test_locked_clocks(asked: Asked) -> None:
    assert asked("gpu.clocks_locked()") is False
    asked.says(ANSWERS | {f"nvmlDeviceGetApplicationsClock.{SM}": 1410})
    assert asked("gpu.clocks_locked()") is True
    asked.says(ANSWERS | {f"nvmlDeviceGetApplicationsClock.{MEMORY}": 1593})
    assert asked("gpu.clocks_locked()") is False, "the memory's clock is another one"
    asked.says(ANSWERS, DeviceGetCurrentClocksEventReasons="0x2")
    assert asked("gpu.clocks_locked()") is True
    asked.says(without(f"ApplicationsClock.{SM}"), DeviceGetCurrentClocksEventReasons="0x1")
    assert asked("gpu.clocks_locked()") is None, "application clocks are no more in newer drivers, and it is idle"
    asked.says(without("ApplicationsClock.1", "EventReasons"))
    assert asked("gpu.clocks_locked()") is None


def listed(*processes: object) -> dict[str, Any]:
    words = " ".join(map(str, processes))
    return ANSWERS | {"nvmlDeviceGetComputeRunningProcesses_v3": words}


def test_own_processes_and_foreign_ones(asked: Asked) -> None:
    own, foreign = asked.pid, os.getpid()
    asked("let(child=subprocess.Popen(['cat'], stdin=subprocess.PIPE))")
    child = asked("child.pid")
    asked.says(listed(f"{own}:{GIB}", f"{child}:{2 * GIB}", f"{foreign}:-1"))
    assert asked("list(gpu.processes().items())") == [[own, GIB], [child, 2 * GIB], [foreign, None]]
    assert asked("sensors.states()['gpu_foreign_processes']") == 1
    asked.says(listed(f"{own}:{GIB}", f"{child}:{2 * GIB}"))
    assert asked("sensors.states()['gpu_foreign_processes']") == 0
    for useless in ([f"{own}:{GIB}", f"{2**22 + 1}:{GIB}"], [], [f"{foreign}:{GIB}"]):
        asked.says(listed(*useless))
        assert "gpu_foreign_processes" not in asked("sensors.states()"), "ids of another namespace, or not ours"
    asked("child.communicate()")


def test_a_list_of_processes_that_grows_while_it_is_read(asked: Asked) -> None:
    asked.says(listed(*[f"{pid}:{GIB}" for pid in range(1, 41)]))
    assert len(asked("gpu.processes()")) == 40
    asked.says(listed(f"{asked.pid}:{GIB}", "+900"))
    assert asked("gpu.processes()") is None
    assert "gpu_foreign_processes" not in asked("sensors.states()")


def test_what_happened_between_two_readings(asked: Asked) -> None:
    asked("let(watch=machine_monitor.MachineMonitor(None))")
    asked.says(ANSWERS | asked.ours)
    asked("let(before=watch.take_reading())")
    asked.says(
        listed(f"{asked.pid}:{GIB}", f"{os.getpid()}:{GIB}") | {f"nvmlDeviceGetClockInfo.{SM}": 1200},
        DeviceGetCurrentClocksEventReasons="0x44",
    )
    asked("watch.take_reading() and None")
    asked.says(
        ANSWERS | {f"nvmlDeviceGetViolationStatus.{POWER}": 7_500_000_000},
        DeviceGetTotalEnergyConsumption=5_000_000_012_345,
        DeviceGetTemperature="error 3",
    )
    found = asked("let(found=watch.summarise_since(before)) or found")
    expected = {
        "readings": 3,
        "gpu_energy_j": 12.345,
        "gpu_power_cap_s": 0.5,
        "gpu_thermal_s": 0,
        "gpu_sm_mhz": [1200, 1980],
        "gpu_temperature_c": [41, 41],
        "gpu_power_w": [123.456, 123.456],
        "gpu_foreign_processes": 1,
        "gpu_reasons": ["hw_thermal_slowdown", "power_cap"],
        "gpu_clocks_locked": False,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert [message for message in asked("disturbances.list_disturbances(found)") if "GPU" in message] == [
        "1 other process on the GPU",
        "the GPU was slowed down: hw thermal slowdown, power cap, power cap for 0.5 s",
        "the GPU's clocks are not locked: 1200 to 1980 MHz",
    ]


def lines(answers: Mapping[str, Any]) -> str:
    return "".join(f"{name} {value}\n" for name, value in answers.items())


@pytest.mark.parametrize(("reasons", "locked"), [("0x4", False), ("0x2", True)])
def test_a_gpu_is_looked_at_while_another_process_works(asked: Asked, reasons: str, locked: bool) -> None:
    idle = ANSWERS | {f"nvmlDeviceGetClockInfo.{SM}": 345, "nvmlDeviceGetCurrentClocksEventReasons": "0x1"}
    busy = ANSWERS | {"nvmlDeviceGetTemperature.0": 83, "nvmlDeviceGetCurrentClocksEventReasons": reasons}
    asked("let(watch=machine_monitor.MachineMonitor(None))")
    found = asked(f"works(watch, {lines(idle)!r}, {lines(busy)!r})")
    assert found["readings"] >= 3
    assert found["gpu_sm_mhz"] == [1980, 1980]
    assert found["gpu_temperature_c"] == [41, 83]
    assert found["gpu_clocks_locked"] is locked
    assert set(found["gpu_reasons"]) == {"clocks_setting" if locked else "power_cap", "idle"}
    assert asked("threading.active_count()") == 1


def test_whoever_looks_keeps_off_the_cores_of_a_timed_run(asked: Asked) -> None:
    everywhere = asked("sorted(os.sched_getaffinity(0))")
    if len(everywhere) < 2:
        pytest.skip("one core")
    asked("let(watch=machine_monitor.MachineMonitor(None), core=min(os.sched_getaffinity(0)), seen=[])")
    asked("let(look=machine_monitor.MachineMonitor._poll)")
    note = "lambda self, gpu, over: look(self, gpu, over) or seen.append(sorted(os.sched_getaffinity(0)))"
    asked(f"setattr(machine_monitor.MachineMonitor, '_poll', {note})")
    asked("os.sched_setaffinity(0, {core})")
    try:
        asked(f"works(watch, {lines(ANSWERS)!r}, {lines(ANSWERS)!r})")
        assert asked("sorted(os.sched_getaffinity(0))") == everywhere[:1], "who waits stays"
        assert everywhere[0] not in asked("seen[0]")
    finally:
        asked(f"os.sched_setaffinity(0, {everywhere})")
        asked("setattr(machine_monitor.MachineMonitor, '_poll', look)")


def test_nobody_looks_on_after_a_failure(asked: Asked) -> None:
    asked("let(watch=machine_monitor.MachineMonitor(None))")
    with pytest.raises(AssertionError, match="TypeError"):
        asked(f"works(watch, {lines(ANSWERS)!r}, None)")
    assert asked("threading.active_count()") == 1


def test_a_gpu_that_is_lost_between_two_readings(asked: Asked) -> None:
    asked("let(watch=machine_monitor.MachineMonitor(None))")
    asked.says(ANSWERS | asked.ours)
    asked("let(before=watch.take_reading())")
    asked.says(ANSWERS | {"*": f"error {LOST}"})
    found = asked("watch.summarise_since(before)")
    assert {name for name in found if name.startswith("gpu")} == set(GAUGES) | set(FACTS), "what was seen before"
    assert asked("watch.energy_mj()") is None
    assert asked("energy_per_call.joules_per_call(int, watch.energy_mj)") is None


def test_the_joules_of_a_call_at_a_known_power(asked: Asked) -> None:
    """200 W: a call of t seconds takes 200 t joules, to the counter's steps of 20 ms. Both bounds hold at any load."""
    asked.says(ANSWERS, DeviceGetTotalEnergyConsumption="ramp 200000")
    asked("let(watch=machine_monitor.MachineMonitor(None), inside=[])")
    call = "inside.append(-time.perf_counter()) or time.sleep(0.02) or inside.append(time.perf_counter())"
    asked("let(outside=-time.perf_counter())")
    found = asked(f"energy_per_call.joules_per_call(lambda: {call}, watch.energy_mj, enough_s=0.3)")
    asked("let(outside=outside + time.perf_counter())")
    count = asked("len(inside) // 2")
    assert 200 * (asked("sum(inside)") - 0.021) <= found * count <= 200 * (asked("outside") + 0.021)


@pytest.mark.parametrize("after", [5_000_000_000_000, 17, f"error {LOST}"], ids=["stands", "begins anew", "lost"])
def test_a_counter_that_tells_nothing_gives_no_joules(asked: Asked, after: object) -> None:
    asked("let(watch=machine_monitor.MachineMonitor(None), path=os.environ['NVML_ANSWERS'])")
    asked(f"let(text=open(path).read().replace('5000000000000', {str(after)!r}))")
    assert (
        asked("energy_per_call.joules_per_call(lambda: open(path, 'w').write(text), watch.energy_mj, enough_s=0)")
        is None
    )


def test_memory_by_the_driver_of_the_process_and_its_children(asked: Asked) -> None:
    own, mine = asked.pid, f"{os.getpid()}:{30 * GIB}"
    asked.says(listed(f"{own}:{GIB}", mine))
    asked(
        "let(sampler=memory_sampler_main.PeakSampler(os.getpid(), gpu), "
        "child=subprocess.Popen(['cat'], stdin=subprocess.PIPE))"
    )
    asked("sampler.begin()")
    high = f"{80 * GIB} {60 * GIB}"
    asked.says(listed(f"{own}:{3 * GIB}", f"{asked('child.pid')}:{4 * GIB}", mine), DeviceGetMemoryInfo=high)
    asked("sampler.sample()")
    asked.says(listed(f"{own}:{2 * GIB}", mine))
    found = asked("sampler.end()")
    asked("child.communicate()")
    assert (found["nvml_process_before"], found["nvml_process"]) == (GIB, 7 * GIB)
    assert (found["nvml_device_before"], found["nvml_device"]) == (10 * GIB, 60 * GIB)


def test_the_side_process_asks_the_same_driver(asked: Asked) -> None:
    own = asked.pid
    asked.says(listed(f"{own}:{GIB}"))
    asked(f"let(beside=memory_sampler.MemorySampler({UUID!r}))")
    asked("beside.begin()")
    asked.says(listed(f"{own}:{2 * GIB}"), DeviceGetMemoryInfo=f"{80 * GIB} {11 * GIB}")
    found = asked("beside.end()")
    assert {name: size // GIB for name, size in found.items() if name.startswith("nvml")} == {
        **{"nvml_process_before": 1, "nvml_process": 2, "nvml_device_before": 10, "nvml_device": 11},
    }
    asked.says(listed(f"{own}:-1"))
    asked("beside.begin()")
    found = asked("beside.end()")
    assert {name for name in found if name.startswith("nvml")} == {"nvml_device_before", "nvml_device"}
    asked("beside.begin()")
    asked.says(ANSWERS | {"*": f"error {LOST}"})
    found = asked("beside.end()")
    assert found["nvml_device"] == found["nvml_device_before"] == 10 * GIB, "the last that was seen"
    asked("beside.begin()")
    found = asked("beside.end()")
    assert found["rss"] > 0
    assert not [name for name in found if name.startswith("nvml")]
    asked("beside.close()")


def test_a_side_process_that_is_late_is_replaced_and_not_out_of_step(asked: Asked) -> None:
    asked.says(ANSWERS, InitWithFlags=60_000)
    asked("let(patience=memory_sampler.PATIENCE_S)")
    asked("setattr(memory_sampler, 'PATIENCE_S', 0.1)")
    asked(f"memory_sampler.shared_sampler({UUID!r}).begin()")
    asked("setattr(memory_sampler, 'PATIENCE_S', patience)")
    asked.says(ANSWERS)
    asked(f"memory_sampler.shared_sampler({UUID!r}).begin()")
    assert asked(f"memory_sampler.shared_sampler({UUID!r}).end()")["nvml_device"] == 10 * GIB


def test_the_doctor_names_the_gpus(asked: Asked) -> None:
    asked.says(ANSWERS | {"devices": f"GPU-{UUID} GPU-{SLICE}"})
    rows = asked("[[row.what, row.status, row.detail] for row in gpu_findings()]")
    told = "Example GPU 80GB, 80 GiB, driver 580.65.06"
    assert rows[:2] == [["GPU 0", "ok", told], ["GPU 1", "ok", told]]
    asked.says(ANSWERS | {"*": f"error {LOST}"})
    assert asked("[[row.what, row.status, row.detail] for row in gpu_findings()]") == [
        ["GPU", "warning", "GPU is lost: codecs run on the CPU"]
    ]
    asked.says(ANSWERS, SystemGetDriverVersion="\udcf8")
    assert asked("next(gpu_findings()).detail") == "Example GPU 80GB, 80 GiB, driver of unknown version"


@pytest.mark.parametrize(
    ("function", "answer", "told"),
    [
        ("Name", "Example \udcff", "name not told, 80 GiB, driver 580.65.06"),
        ("MemoryInfo", f"error {NO_PERMISSION}", "Example GPU 80GB, memory not told, driver 580.65.06"),
    ],
)
def test_the_doctor_shows_a_gpu_as_far_as_it_tells(asked: Asked, function: str, answer: str, told: str) -> None:
    asked.says(ANSWERS | {"devices": f"GPU-{UUID} GPU-{SLICE}"} | {f"nvmlDeviceGet{function}": answer})
    rows = asked("[[row.what, row.status, row.detail] for row in gpu_findings()]")
    assert rows[:2] == [["GPU 0", "warning", told], ["GPU 1", "warning", told]]


def test_the_doctor_of_a_driver_without_gpus(asked: Asked) -> None:
    asked.says({**ANSWERS, "devices": " "})
    rows = asked("[[row.what, row.status, row.detail] for row in gpu_findings()]")
    assert rows == [["GPU", "warning", "The driver sees no GPU: codecs run on the CPU"]]


def test_the_gpu_of_a_run_is_described_without_its_uuid(asked_torch: Asked) -> None:
    found = asked_torch("gpu_module.describe_gpu(torch.device('cuda'))")
    expected = {
        "name": "Example GPU 80GB",
        "memory_bytes": 80 * GIB,
        "capability": "9.0",
        "multiprocessors": 132,
        "id": hash_uuid(UUID),
        "driver": "580.65.06",
        "cuda_driver": "13.0",
        "kind": "gpu",
        "mig": False,
        "ecc": True,
        "persistence": True,
        "exclusive": True,
        "power_limit_w": 650,
        "power_limit_default_w": 700,
        "clocks_locked": None,
        "clocks_applied_mhz": [1980, 2619],
        "clocks_default_mhz": [1980, 2619],
        "clocks_max_mhz": [1995, 2620],
        "pcie_generation": [4, 5],
        "pcie_lanes": [8, 16],
        "vbios": "96.00.A5.00.01",
    }
    assert {name: found.get(name) for name in expected} == expected
    visible = asked_torch(f"published_settings.published_variables({{'CUDA_VISIBLE_DEVICES': 'GPU-{UUID}'}})")
    assert visible == {"CUDA_VISIBLE_DEVICES": f"GPU-{found['id']}"}, "told to be the same one"
    asked_torch.says(ANSWERS | {f"nvmlDeviceGetApplicationsClock.{SM}": 1410})
    assert asked_torch("gpu_module.describe_gpu(torch.device('cuda'))['clocks_locked']") is True
    assert UUID not in json.dumps(found)
    assert UUID.split("-")[0] not in json.dumps(found)


def test_a_driver_that_tells_nothing_is_described_by_torch_alone(asked_torch: Asked) -> None:
    for answers in (START, ANSWERS | {"*": f"error {LOST}"}):
        asked_torch.says(answers)
        found = asked_torch("gpu_module.describe_gpu(torch.device('cuda'))")
        told = {name for name, value in found.items() if value not in (None, [None, None])}
        assert told >= {"name", "memory_bytes", "capability", "multiprocessors", "id"}
        assert not told & {"mig", "ecc", "power_limit_w", "clocks_locked", "pcie_lanes", "vbios", "clocks_max_mhz"}


def test_the_peak_of_a_call_has_what_the_driver_says(asked_torch: Asked) -> None:
    own = asked_torch.pid
    asked_torch.says(listed(f"{own}:{GIB}"))
    asked_torch("let(path=os.environ['NVML_ANSWERS'])")
    asked_torch(f"let(more=open(path).read().replace('{own}:{GIB}', '{own}:{3 * GIB}'))")
    found = asked_torch("peak_memory.measure_peak_memory(lambda: open(path, 'w').write(more), torch.device('cpu'))")[1]
    assert (found["nvml_process"], found["nvml_process_growth"], found["nvml_device"]) == (3 * GIB, 2 * GIB, 10 * GIB)
