import json
import subprocess
import sys
from time import sleep

import psutil
import pytest
import torch

from lic_bench.machine.gpu import uuid_of
from lic_bench.measurement.machine_monitor import MachineMonitor, Reading, summarise_readings

linux = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")


def reading(seconds: float, others_s: float = 0.0, **gauges: float) -> Reading:
    """Two CPUs, of which the measured program takes a quarter."""
    own = seconds / 2
    counters = {"cpu_total_s": 2 * seconds, "cpu_busy_s": own + others_s, "cpu_steal_s": 0.1 * seconds}
    return Reading(seconds, counters | {"cpu_own_s": own, "cpu_waited_s": own / 4, "swapped_pages": 8.0}, gauges)


def test_shares_of_known_counters() -> None:
    found = summarise_readings([reading(100), reading(110, others_s=4, load_1m=1)])
    assert found["seconds"] == 10
    assert found["cpu_others_share"] == pytest.approx(4 / 20)
    assert found["cpu_steal_share"] == pytest.approx(0.05)
    assert found["cpu_waited_share"] == pytest.approx(0.2)
    assert found["cpu_own_s"] == 5
    assert found["swapped_pages"] == 0
    assert "cpu_total_s" not in found


def test_ranges_are_over_all_readings_in_between() -> None:
    readings = [reading(t, gpu_sm_mhz=clock) for t, clock in ((0, 1900.0), (1, 1200.0), (2, 1980.0), (3, 1950.0))]
    found = summarise_readings(readings)
    assert found["gpu_sm_mhz"] == [1200, 1980]
    assert found["readings"] == 4


def test_the_clock_is_that_of_a_gpu_at_work() -> None:
    idle, busy = {"gpu_reasons": ["idle"]}, {"gpu_reasons": []}
    seen = ((345.0, idle), (1935.0, busy), (1980.0, busy), (1200.0, idle))
    readings = [
        Reading(float(t), {}, {"gpu_sm_mhz": clock, "gpu_power_w": clock / 10}, facts)
        for t, (clock, facts) in enumerate(seen)
    ]
    found = summarise_readings(readings)
    assert found["gpu_sm_mhz"] == [1935, 1980]
    assert found["gpu_power_w"] == [34.5, 198]
    assert "gpu_sm_mhz" not in summarise_readings([readings[0], readings[-1]])
    untold = [Reading(float(t), {}, {"gpu_sm_mhz": clock}) for t, clock in enumerate((345.0, 1980.0))]
    assert summarise_readings(untold)["gpu_sm_mhz"] == [345, 1980]


def test_states_of_any_reading_are_kept() -> None:
    facts = [
        {"gpu_foreign_processes": 0, "gpu_reasons": ["idle"], "gpu_clocks_locked": True},
        {"gpu_foreign_processes": 2, "gpu_reasons": ["power_cap"], "gpu_clocks_locked": False},
        {},
    ]
    found = summarise_readings([Reading(float(t), {}, {}, fact) for t, fact in enumerate(facts)])
    assert found["gpu_foreign_processes"] == 2
    assert found["gpu_reasons"] == ["idle", "power_cap"]
    assert found["gpu_clocks_locked"] is False


@linux
def test_a_watch_sums_up_plain_json_values() -> None:
    watch = MachineMonitor(torch.device("cpu"))
    before = watch.take_reading()
    watch.take_reading()
    sleep(0.05)  # some of the kernel's ticks
    found = watch.summarise_since(before)
    assert json.loads(json.dumps(found)) == found
    assert found["readings"] == 3
    assert found["seconds"] > 0
    assert 0 <= found["cpu_others_share"] <= 1
    assert not [name for name in found if name.startswith("gpu")]


@linux
def test_a_later_interval_knows_nothing_of_an_earlier_one() -> None:
    watch = MachineMonitor(torch.device("cpu"))
    watch.summarise_since(watch.take_reading())
    assert watch.summarise_since(watch.take_reading())["readings"] == 2


@linux
def test_a_program_of_somebody_else_is_seen() -> None:
    """It is somebody else's as its parent, which started it and ended, is not below this process any more."""
    code = "import time\nwhile time.process_time() < 0.5: pass"
    start = (
        f"import os, sys\nif os.fork() == 0:\n os.setsid()\n os.close(0)\n exec({code!r})\n print('done', flush=True)"
    )
    watch = MachineMonitor(torch.device("cpu"))
    before = watch.take_reading()
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True)
    found = watch.summarise_since(before)
    assert done.stdout.strip() == "done", "the pipe is open until the orphan has ended"
    cpus = len(psutil.Process().cpu_affinity() or ())
    assert found["cpu_others_share"] * found["seconds"] * cpus > 0.4


def test_a_cpu_has_no_uuid_and_no_gpu_counter() -> None:
    assert uuid_of(torch.device("cpu")) is None
    assert MachineMonitor(torch.device("cpu")).energy_mj() in (None, pytest.approx(0, abs=1e6))


@pytest.mark.gpu
def test_a_watched_gpu() -> None:
    device = torch.device("cuda")
    watch = MachineMonitor(device)
    before = watch.take_reading()
    x = torch.ones(4096, 4096, device=device)
    for _ in range(200):
        x = x @ x
        x /= x.max()
    torch.cuda.synchronize()
    found = watch.summarise_since(before)
    assert json.loads(json.dumps(found)) == found
    assert found.get("gpu_sm_mhz", [0, 101])[1] > 100, "absent where the GPU is idle by now"
    if watch.energy_mj() is not None:
        assert found["gpu_energy_j"] > 0
