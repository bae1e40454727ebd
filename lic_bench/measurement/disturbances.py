"""Which conditions of the machine disturb a measurement, and the conditions of several intervals as one.

Free of torch, as reports use it too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# Each threshold is the least that changes a median of times and is no rounding of the kernel's counters of 10 ms.
OTHERS = 0.05  # of two cores a tenth of one: background services take less, a second program takes more
STEAL = 0.01  # time that the virtual machine did not get, and nothing on it can make up for
WAITED = 0.05  # the measured threads stood still that long, and the time is too long by about as much
TICKS_S = 0.05  # five ticks: a share of less time than that is noise
FAULTS = 100  # reads from disk for memory; a few come with any first use of a library
CLOCK = 0.03  # as for the drift canary: a clock that moves less moves no time by more
SLOWING = frozenset({"hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown", "power_brake"})  # and may pass
HARMLESS = frozenset({"idle", "clocks_setting", "display_clocks_setting"})  # not at work, or set by somebody

Conditions = Mapping[str, Any]


def list_disturbances(conditions: Conditions) -> list[str]:
    """What puts times into doubt, in a few words each. conditions: as machine_monitor.summarise_readings gives them."""
    return [message for describe in _DISTURBANCES if (message := describe(conditions))]


def gpu_was_slowed(several: Sequence[Conditions]) -> bool:
    """Whether the GPU was held back by heat or for want of power, by its reasons or by the seconds it counts itself."""
    merged = merge_conditions(several)
    return bool(set(merged.get("gpu_reasons", ())) & SLOWING) or merged.get("gpu_thermal_s", 0.0) > 0


def merge_conditions(several: Sequence[Conditions]) -> dict[str, Any]:
    """Several intervals as one: means of shares weighted by length, the widest ranges, and all else added up."""
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(name for conditions in several for name in conditions):
        known = [conditions for conditions in several if name in conditions]
        is_share = name.endswith("_share")
        merged[name] = _mean_share(name, known) if is_share else join_values(name, [c[name] for c in known])
    return merged


def worst_conditions(several: Sequence[Conditions]) -> dict[str, Any]:
    """As `merge_conditions`, but with the highest of each share."""
    shares = {name for conditions in several for name in conditions if name.endswith("_share")}
    return merge_conditions(several) | {name: max(c.get(name, 0.0) for c in several) for name in shares}


def _mean_share(name: str, several: Sequence[Conditions]) -> float:
    seconds = sum(conditions["seconds"] for conditions in several)
    return round(sum(c[name] * c["seconds"] for c in several) / seconds, 4) if seconds else 0.0


def join_values(name: str, values: list[Any]) -> Any:
    """One value for several of this name: all, all reasons, the widest range, the most processes, or the sum."""
    first = values[0]
    if isinstance(first, bool):
        return all(values)
    if name == "gpu_reasons":
        return sorted({reason for reasons in values for reason in reasons})
    if isinstance(first, (list, tuple)):
        return [min(low for low, _ in values), max(high for _, high in values)]
    return max(values) if name == "gpu_foreign_processes" else round(sum(values), 6)


def _describe_others(conditions: Conditions) -> str:
    share = _share(conditions, "cpu_others_share", OTHERS)
    return f"other programs took {share:.0%} of the CPU" if share else ""


def _describe_steal(conditions: Conditions) -> str:
    share = _share(conditions, "cpu_steal_share", STEAL)
    return f"other virtual machines took {share:.1%} of the CPU" if share else ""


def _describe_waited(conditions: Conditions) -> str:
    share = _share(conditions, "cpu_waited_share", WAITED)
    return f"the codec's threads waited for a CPU {share:.0%} of their time" if share else ""


def _share(conditions: Conditions, name: str, limit: float) -> float:
    """The share if it is over the limit and more than a few ticks long, else 0."""
    share = float(conditions.get(name, 0.0))
    return share if share > limit and share * conditions.get("seconds", 0.0) > TICKS_S else 0.0


def _describe_throttled(conditions: Conditions) -> str:
    return f"the CPU was too hot {count} times" if (count := conditions.get("cpu_throttles", 0)) else ""


def _describe_swapped(conditions: Conditions) -> str:
    return f"{count} pages were swapped" if (count := conditions.get("swapped_pages", 0)) else ""


def _describe_faults(conditions: Conditions) -> str:
    count = conditions.get("major_faults", 0)
    return f"{count} pages were read from disk" if count > FAULTS else ""


def _describe_foreign(conditions: Conditions) -> str:
    count = conditions.get("gpu_foreign_processes", 0)
    return f"{count} other process{'es' if count > 1 else ''} on the GPU" if count else ""


def _describe_reasons(conditions: Conditions) -> str:
    names = [name.replace("_", " ") for name in conditions.get("gpu_reasons", ()) if name not in HARMLESS]
    counted = {"power cap": conditions.get("gpu_power_cap_s", 0.0), "heat": conditions.get("gpu_thermal_s", 0.0)}
    names += [f"{name} for {seconds:.1f} s" for name, seconds in counted.items() if seconds > TICKS_S]
    return f"the GPU was slowed down: {', '.join(names)}" if names else ""


def _describe_clocks(conditions: Conditions) -> str:
    """Only if they moved: a constant clock does no harm, locked or not."""
    lowest, highest = conditions.get("gpu_sm_mhz", (0, 0))
    if conditions.get("gpu_clocks_locked") is not False or highest - lowest <= CLOCK * highest:
        return ""
    return f"the GPU's clocks are not locked: {lowest:.0f} to {highest:.0f} MHz"


_DISTURBANCES: Sequence[Callable[[Conditions], str]] = (
    *(_describe_others, _describe_steal, _describe_waited, _describe_throttled, _describe_swapped, _describe_faults),
    *(_describe_foreign, _describe_reasons, _describe_clocks),
)
