"""From what a machine did to what of it disturbs a measurement. Free of torch: reports use it too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# Thresholds, each the least that is seen in a median of times and cannot be a rounding of the kernel's counters, which
# count ticks of 10 ms.
OTHERS = 0.05  # a tenth of a core on two: background services stay below, a second program does not
STEAL = 0.01  # time that the virtual machine did not get; nothing on it can make up for that
WAITED = 0.05  # the measured threads themselves stood still so long: the time is too long by about that
TICKS_S = 0.05  # five ticks: a share of less time than that is noise
FAULTS = 100  # reads from disk for memory; a few come with any first use of a library
CLOCK = 0.03  # as the drift canary: a clock that moves less moves no time by more
HOLDS_BACK = frozenset({"hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown", "power_brake"})  # may pass
HARMLESS = frozenset({"idle", "clocks_setting", "display_clocks_setting"})  # not working; or as somebody has set it

Conditions = Mapping[str, Any]


def list_disturbances(conditions: Conditions) -> list[str]:
    """What of `conditions` (see conditions.summary) puts times into doubt, a few words each; [] for nothing."""
    return [message for find in _CHECKS if (message := find(conditions))]


def gpu_was_slowed(several: Sequence[Conditions]) -> bool:
    """Whether the GPU was held back by heat or for want of power, by its reasons or by the seconds it counts itself."""
    found = merge_conditions(several)
    return bool(set(found.get("gpu_reasons", ())) & HOLDS_BACK) or found.get("gpu_thermal_s", 0.0) > 0


def merge_conditions(several: Sequence[Conditions]) -> dict[str, Any]:
    """Several intervals in one: shares by their lengths, ranges that hold all; events, joules, seconds added up."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for conditions in several for name in conditions):
        known = [conditions for conditions in several if name in conditions]
        found[name] = _mean_share(name, known) if name.endswith("_share") else _joined(name, [c[name] for c in known])
    return found


def worst_conditions(several: Sequence[Conditions]) -> dict[str, Any]:
    """`merge_conditions`, but with the highest of each share."""
    shares = {name for conditions in several for name in conditions if name.endswith("_share")}
    return merge_conditions(several) | {name: max(c.get(name, 0.0) for c in several) for name in shares}


def _mean_share(name: str, several: Sequence[Conditions]) -> float:
    seconds = sum(conditions["seconds"] for conditions in several)
    return round(sum(c[name] * c["seconds"] for c in several) / seconds, 4) if seconds else 0.0


def _joined(name: str, values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, bool):
        return all(values)
    if name == "gpu_reasons":
        return sorted({reason for reasons in values for reason in reasons})
    if isinstance(first, (list, tuple)):
        return [min(low for low, _ in values), max(high for _, high in values)]
    return max(values) if name == "gpu_foreign_processes" else round(sum(values), 6)


def _others(found: Conditions) -> str:
    share = _share(found, "cpu_others_share", OTHERS)
    return f"other programs took {share:.0%} of the CPU" if share else ""


def _steal(found: Conditions) -> str:
    share = _share(found, "cpu_steal_share", STEAL)
    return f"other virtual machines took {share:.1%} of the CPU" if share else ""


def _waited(found: Conditions) -> str:
    share = _share(found, "cpu_waited_share", WAITED)
    return f"the codec's threads waited for a CPU {share:.0%} of their time" if share else ""


def _share(found: Conditions, name: str, limit: float) -> float:
    """The share if it is over the limit and stands for more than a few ticks, else 0."""
    share = float(found.get(name, 0.0))
    return share if share > limit and share * found.get("seconds", 0.0) > TICKS_S else 0.0


def _throttled(found: Conditions) -> str:
    return f"the CPU was too hot {count} times" if (count := found.get("cpu_throttles", 0)) else ""


def _swapped(found: Conditions) -> str:
    return f"{count} pages were swapped" if (count := found.get("swapped_pages", 0)) else ""


def _faults(found: Conditions) -> str:
    count = found.get("major_faults", 0)
    return f"{count} pages were read from disk" if count > FAULTS else ""


def _foreign(found: Conditions) -> str:
    count = found.get("gpu_foreign_processes", 0)
    return f"{count} other process{'es' if count > 1 else ''} on the GPU" if count else ""


def _reasons(found: Conditions) -> str:
    names = [name.replace("_", " ") for name in found.get("gpu_reasons", ()) if name not in HARMLESS]
    counted = {"power cap": found.get("gpu_power_cap_s", 0.0), "heat": found.get("gpu_thermal_s", 0.0)}
    names += [f"{name} for {seconds:.1f} s" for name, seconds in counted.items() if seconds > TICKS_S]
    return f"the GPU was slowed down: {', '.join(names)}" if names else ""


def _clocks(found: Conditions) -> str:
    """Only where they moved: a clock that stays does no harm, locked or not."""
    lowest, highest = found.get("gpu_sm_mhz", (0, 0))
    if found.get("gpu_clocks_locked") is not False or highest - lowest <= CLOCK * highest:
        return ""
    return f"the GPU's clocks are not locked: {lowest:.0f} to {highest:.0f} MHz"


_CHECKS: Sequence[Callable[[Conditions], str]] = (
    *(_others, _steal, _waited, _throttled, _swapped, _faults),
    *(_foreign, _reasons, _clocks),
)
