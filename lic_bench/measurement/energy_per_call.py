"""The energy of one call, by a counter of the device. Free of torch."""

from collections.abc import Callable
from time import perf_counter

ENOUGH_S = 1.0  # NVML's counter moves every 20 to 100 ms: a tenth of an error at most


def joules_per_call(
    call: Callable[[], object], energy_mj: Callable[[], float | None], *, enough_s: float = ENOUGH_S, most: int = 1000
) -> float | None:
    """Joules that the device uses during one call, idle power included; None if its counter is absent or stands still.

    call: must end synchronised. It is repeated for enough_s seconds, at most `most` times, as the counter moves in
    steps; without a counter it is not called. energy_mj: reads the counter, as MachineMonitor.energy_mj.
    """
    before = energy_mj()
    if before is None:
        return None
    start, count = perf_counter(), 0
    while count == 0 or (count < most and perf_counter() - start < enough_s):
        call()
        count += 1
    after = energy_mj()
    if after is None or after <= before:  # lost; or not moved, or begun anew by a driver that was loaded again
        return None
    return (after - before) / 1e3 / count
