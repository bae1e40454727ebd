"""Counters, gauges and states of a GPU, by NVML. Free of torch."""

from typing import Any

import pynvml

from lic_bench.machine import nvml
from lic_bench.machine.processes import descendants

Numbers = dict[str, float]


class GpuSensors:
    """Counters, gauges and states of one GPU. root: the process that, with all it has started, is no foreign one."""

    def __init__(self, gpu: nvml.Gpu, root: int) -> None:
        self.gpu = gpu
        self.root = root

    def counters(self) -> Numbers:
        """gpu_energy_j, and gpu_power_cap_s and gpu_thermal_s: the seconds that it was slowed down for that reason."""
        policies = {"gpu_power_cap_s": pynvml.NVML_PERF_POLICY_POWER, "gpu_thermal_s": pynvml.NVML_PERF_POLICY_THERMAL}
        slowed = {name: self.gpu.query("ViolationStatus", policy) for name, policy in policies.items()}
        seconds: Numbers = {name: value.violationTime / 1e9 for name, value in slowed.items() if value is not None}
        energy = self.energy_mj()
        return seconds | ({"gpu_energy_j": energy / 1e3} if energy is not None else {})

    def gauges(self) -> Numbers:
        """SM clock, temperature, power, and the percentage of time in which any kernel ran."""
        milliwatts, rates = self.gpu.query("PowerUsage"), self.gpu.query("UtilizationRates")
        gauges = {
            "gpu_sm_mhz": self.gpu.query("ClockInfo", pynvml.NVML_CLOCK_SM),
            "gpu_temperature_c": self.gpu.query("Temperature", pynvml.NVML_TEMPERATURE_GPU),
            "gpu_power_w": None if milliwatts is None else milliwatts / 1e3,
            "gpu_utilisation_pct": None if rates is None else rates.gpu,
        }
        return {name: float(value) for name, value in gauges.items() if value is not None}

    def states(self) -> dict[str, Any]:
        """gpu_foreign_processes, how many and never which, and `clock_states`."""
        processes = self.gpu.processes()
        foreign = None if processes is None else nvml.count_foreign(processes, {self.root, *descendants(self.root)})
        return ({} if foreign is None else {"gpu_foreign_processes": foreign}) | self.clock_states()

    def clock_states(self) -> dict[str, Any]:
        """gpu_reasons: why the clocks are not the highest; gpu_clocks_locked: whether somebody has set them."""
        states = {"gpu_reasons": self.gpu.reasons(), "gpu_clocks_locked": self.gpu.clocks_locked()}
        return {name: value for name, value in states.items() if value is not None}

    def energy_mj(self) -> float | None:
        """Millijoules since the driver was loaded; None on GPUs older than Volta and on MIG slices."""
        energy = self.gpu.query("TotalEnergyConsumption")
        return None if energy is None else float(energy)
