"""What the machine did while something was measured: read around every sample and summarised over an interval."""

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
from lic_bench.measurement.disturbances import join_values
from lic_bench.measurement.gpu_sensors import GpuSensors
from lic_bench.measurement.host_sensors import HostSensors

if TYPE_CHECKING:
    import torch

POLL_S = 0.02  # between two readings of a GPU at work
_KEPT_READINGS = 5_000  # an interval that is longer has lost the first of those in between
_CLOCK = "gpu_sm_mhz"


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading, at `seconds` of perf_counter. counters only grow; gauges go up and down; states are no numbers."""

    seconds: float
    counters: Mapping[str, float]
    gauges: Mapping[str, float]
    states: Mapping[str, Any] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether the GPU had nothing to do, so that its clock says nothing about a GPU at work."""
        return nvml.IDLE in self.states.get("gpu_reasons", ())


class MachineMonitor:
    """Reads this machine's sensors, and those of `device` if it is a GPU.

    It tells this process and those that it has started from all others, so the process that started all makes it.
    """

    def __init__(self, device: torch.device) -> None:
        self._host = HostSensors()
        gpu = nvml.find_gpu(uuid_of(device))
        self._gpu = GpuSensors(gpu, os.getpid()) if gpu else None
        self._readings: deque[Reading] = deque(maxlen=_KEPT_READINGS)

    def take_reading(self) -> Reading:
        """Read now, between two samples: it takes 0.1 ms, and for every hundred threads as much, with a GPU twice."""
        (counters, gauges), states = self._host.read(), dict[str, Any]()
        if self._gpu:
            states = self._gpu.states()  # before the gauges: if it was at work here, so it was when its clock is read
            counters |= self._gpu.counters()
            gauges |= self._gpu.gauges()
        reading = Reading(perf_counter(), counters, gauges, states)
        self._readings.append(reading)
        return reading

    def summarise_since(self, before: Reading) -> dict[str, Any]:
        """Read now and summarise all readings from `before` on."""
        now = self.take_reading()
        between = [r for r in self._readings if before.seconds < r.seconds < now.seconds]
        return summarise_readings([before, *between, now])

    @contextmanager
    def poll_gpu(self) -> Iterator[None]:
        """Read a GPU every POLL_S inside, in a thread that keeps off this one's cores.

        Only while this process waits for another one: it would disturb work in this process.
        """
        if self._gpu is None:
            yield
            return
        stop = Event()
        thread = Thread(target=self._poll, args=(self._gpu, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _poll(self, gpu: GpuSensors, stop: Event) -> None:
        core_affinity.leave_inherited_cores()
        while not stop.wait(POLL_S):
            states = gpu.clock_states()
            self._readings.append(Reading(perf_counter(), {}, gpu.gauges(), states))

    def energy_mj(self) -> float | None:
        """Millijoules that the GPU, or all packages of the CPU, used since an unknown beginning; None if not told."""
        if self._gpu:
            return self._gpu.energy_mj()
        joules = self._host.package_j()
        return None if joules is None else 1e3 * joules


def summarise_readings(readings: Sequence[Reading]) -> dict[str, Any]:
    """Readings, in the order of time, as what `lic_bench.store.records.Conditions` says."""
    first, last = readings[0], readings[-1]
    grown = {name: max(0.0, last.counters[name] - was) for name, was in first.counters.items() if name in last.counters}
    summary: dict[str, Any] = {"seconds": round(last.seconds - first.seconds, 6), "readings": len(readings)}
    summary |= _take_shares(grown)
    summary |= {name: round(value, 6 if name.endswith(("_j", "_s")) else None) for name, value in grown.items()}
    for name in first.gauges:
        valid = [r for r in readings if name in r.gauges and not (name == _CLOCK and r.idle)]
        if values := [reading.gauges[name] for reading in valid]:
            summary[name] = [round(min(values), 3), round(max(values), 3)]
    states = [reading.states for reading in readings]
    for name in dict.fromkeys(name for state in states for name in state):
        summary[name] = join_values(name, [state[name] for state in states if name in state])
    return summary


def _take_shares(grown: dict[str, float]) -> dict[str, float]:
    """The shares, whose counters are removed from `grown`."""
    total, busy, steal = (grown.pop(f"cpu_{name}_s", 0.0) for name in ("total", "busy", "steal"))
    own, waited = grown.get("cpu_own_s", 0.0), grown.pop("cpu_waited_s", None)
    shares = {}
    if total:
        shares = {"cpu_others_share": min(1.0, max(0.0, busy - own) / total), "cpu_steal_share": steal / total}
    if waited is not None and waited + own > 0:
        shares["cpu_waited_share"] = waited / (waited + own)
    return {name: round(value, 4) for name, value in shares.items()}
