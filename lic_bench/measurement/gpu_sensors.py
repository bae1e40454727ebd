"""What a GPU does, by NVML: counters, gauges and facts as in measurement/host.py. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pynvml

from lic_bench.machine import nvml
from lic_bench.machine.process_tree import is_in_tree

Numbers = dict[str, float]


class GpuSensors:
    """Counters, gauges and facts of one GPU. root: the processes below it, and itself, are ours."""

    def __init__(self, gpu: nvml.Gpu, root: int) -> None:
        self.gpu = gpu
        self.root = root

    def counters(self) -> Numbers:
        """gpu_energy_j, and gpu_power_cap_s and gpu_thermal_s: the seconds that it was slowed down for that reason."""
        policies = {"gpu_power_cap_s": pynvml.NVML_PERF_POLICY_POWER, "gpu_thermal_s": pynvml.NVML_PERF_POLICY_THERMAL}
        slowed = {name: self.gpu.query("ViolationStatus", policy) for name, policy in policies.items()}
        found: Numbers = {name: value.violationTime / 1e9 for name, value in slowed.items() if value is not None}
        energy = self.energy_mj()
        return found | ({"gpu_energy_j": energy / 1e3} if energy is not None else {})

    def gauges(self) -> Numbers:
        """SM clock, temperature, power and the share of time in which any kernel ran."""
        milliwatts, rates = self.gpu.query("PowerUsage"), self.gpu.query("UtilizationRates")
        return _told(
            {
                "gpu_sm_mhz": self.gpu.query("ClockInfo", pynvml.NVML_CLOCK_SM),
                "gpu_temperature_c": self.gpu.query("Temperature", pynvml.NVML_TEMPERATURE_GPU),
                "gpu_power_w": None if milliwatts is None else milliwatts / 1e3,
                "gpu_utilisation_pct": None if rates is None else rates.gpu,
            }
        )

    def facts(self) -> dict[str, Any]:
        """Foreign processes (how many, never which), and `clocks`."""
        processes = self.gpu.processes()
        foreign = None if processes is None else nvml.count_foreign(processes, self._ours, nvml.process_exists)
        return ({} if foreign is None else {"gpu_foreign_processes": foreign}) | self.clocks()

    def clocks(self) -> dict[str, Any]:
        """Why they are not the highest, and whether they are set."""
        found = {"gpu_reasons": self.gpu.reasons(), "gpu_clocks_locked": self.gpu.clocks_locked()}
        return {name: value for name, value in found.items() if value is not None}

    def energy_mj(self) -> float | None:
        """Millijoules since the driver was loaded; None before Volta, and on MIG slices."""
        energy = self.gpu.query("TotalEnergyConsumption")
        return None if energy is None else float(energy)

    def _ours(self, pid: int) -> bool:
        return is_in_tree(pid, self.root)


def _told(values: Mapping[str, float | None]) -> Numbers:
    return {name: float(value) for name, value in values.items() if value is not None}
