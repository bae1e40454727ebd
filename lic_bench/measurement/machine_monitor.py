"""What the machine did while something was measured: read around every sample, summed up over an interval."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lic_bench.machine import core_affinity, nvml
from lic_bench.machine.gpu import uuid_of
from lic_bench.measurement.gpu_sensors import GpuSensors
from lic_bench.measurement.host_sensors import HostSensors

if TYPE_CHECKING:
    import torch

POLL_S = 0.02  # between two looks at a GPU that works
_REMEMBERED = 5_000  # readings; of older ones an interval keeps its first
_CLOCK = "gpu_sm_mhz"


@dataclass(frozen=True, slots=True)
class Reading:
    """One look. seconds: of the clock that times are taken with. counters only grow; gauges go up and down."""

    seconds: float
    counters: Mapping[str, float]
    gauges: Mapping[str, float]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether the GPU had nothing to do, so that its clock says nothing of when it has."""
        return nvml.IDLE in self.facts.get("gpu_reasons", ())


class MachineMonitor:
    """Watches this machine, and `device` where it is a GPU.

    Ours is what this process and those below it do, so it is made by the process that started all the others.
    """

    def __init__(self, device: torch.device) -> None:
        self._host = HostSensors()
        gpu = nvml.find_gpu(uuid_of(device))
        self._gpu = GpuSensors(gpu, os.getpid()) if gpu else None
        self._readings: deque[Reading] = deque(maxlen=_REMEMBERED)

    def take_reading(self) -> Reading:
        """Look now: a tenth of a millisecond, and one more per hundred threads. To be called between the samples."""
        (counters, gauges), facts = self._host.read(), dict[str, Any]()
        if self._gpu:
            facts = self._gpu.facts()  # before the gauges: a clock is of a GPU at work if that was at work already
            counters |= self._gpu.counters()
            gauges |= self._gpu.gauges()
        reading = Reading(perf_counter(), counters, gauges, facts)
        self._readings.append(reading)
        return reading

    def summarise_since(self, before: Reading) -> dict[str, Any]:
        """Look now and sum up everything from `before` on, with all readings that were taken in between."""
        now = self.take_reading()
        between = [r for r in self._readings if before.seconds < r.seconds < now.seconds]
        return summarise_readings([before, *between, now])

    @contextmanager
    def poll_gpu(self) -> Iterator[None]:
        """Look at a GPU every LOOK_S inside, by a thread that keeps off this one's cores.

        For a wait for another process: work in this one it would disturb.
        """
        if self._gpu is None:
            yield
            return
        over = Event()
        thread = Thread(target=self._poll, args=(self._gpu, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _poll(self, gpu: GpuSensors, over: Event) -> None:
        core_affinity.leave_inherited_cores()
        while not over.wait(POLL_S):
            clocks = gpu.clocks()
            self._readings.append(Reading(perf_counter(), {}, gpu.gauges(), clocks))

    def energy_mj(self) -> float | None:
        """Millijoules that the device has used, counted from some moment: of a CPU all its packages; None if untold."""
        if self._gpu:
            return self._gpu.energy_mj()
        joules = self._host.package_j()
        return None if joules is None else 1e3 * joules


def summarise_readings(readings: Sequence[Reading]) -> dict[str, Any]:
    """Readings, in their order, as plain JSON values. What the machine does not tell is absent.

    seconds, readings; cpu_own_s: CPU seconds of what is measured. cpu_others_share: of the time of the CPUs that this
    process may use, what neither it nor idleness took; cpu_steal_share: what other machines on the same hardware took.
    cpu_waited_share: of the time in which our threads were ready to run, what they spent waiting for a CPU.
    cpu_package_j, gpu_energy_j: joules. gpu_power_cap_s, gpu_thermal_s: seconds of being slowed down for that.
    cpu_throttles, swapped_pages, major_faults: events. load_1m, cpu_mhz, gpu_sm_mhz, gpu_temperature_c, gpu_power_w,
    gpu_utilisation_pct: [lowest, highest] reading, of gpu_sm_mhz while the GPU was at work. gpu_foreign_processes: the
    most seen at once; gpu_reasons: all seen; gpu_clocks_locked: whether they were at every reading that tells.
    """
    first, last = readings[0], readings[-1]
    grown = {name: max(0.0, last.counters[name] - was) for name, was in first.counters.items() if name in last.counters}
    found: dict[str, Any] = {"seconds": round(last.seconds - first.seconds, 6), "readings": len(readings)}
    found |= _shares(grown)
    found |= {name: round(value, 6) for name, value in grown.items() if name.endswith(("_j", "_s"))}
    found |= {name: round(value) for name, value in grown.items() if not name.endswith(("_j", "_s"))}
    for name in first.gauges:
        told = [r for r in readings if name in r.gauges and not (name == _CLOCK and r.idle)]
        if seen := [reading.gauges[name] for reading in told]:
            found[name] = [round(min(seen), 3), round(max(seen), 3)]
    return found | _facts([reading.facts for reading in readings])


def _shares(grown: dict[str, float]) -> dict[str, float]:
    """Takes what goes into the shares out of `grown`."""
    total, busy, steal = (grown.pop(f"cpu_{name}_s", 0.0) for name in ("total", "busy", "steal"))
    own, waited = grown.get("cpu_own_s", 0.0), grown.pop("cpu_waited_s", None)
    shares = {}
    if total:
        shares = {"cpu_others_share": min(1.0, max(0.0, busy - own) / total), "cpu_steal_share": steal / total}
    if waited is not None and waited + own > 0:
        shares["cpu_waited_share"] = waited / (waited + own)
    return {name: round(value, 4) for name, value in shares.items()}


def _facts(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def seen(name: str) -> list[Any]:
        return [found[name] for found in facts if name in found]

    result: dict[str, Any] = {}
    if foreign := seen("gpu_foreign_processes"):
        result["gpu_foreign_processes"] = max(foreign)
    if reasons := seen("gpu_reasons"):
        result["gpu_reasons"] = sorted({reason for several in reasons for reason in several})
    if locked := seen("gpu_clocks_locked"):
        result["gpu_clocks_locked"] = all(locked)
    return result
