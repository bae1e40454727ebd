"""Which conditions of the machine disturb a measurement, and the conditions of several intervals as one.

Free of torch, as reports use it too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

TICKS_S = 0.05  # five ticks of the kernel's counters of 10 ms: a share of less time than that is noise
# Name, a threshold, which is the least that changes a median of times, and what is said above it.
_SHARES = (
    # Of two cores a tenth of one: background services take less, a second program takes more.
    ("cpu_others_share", 0.05, "other programs took {:.0%} of the CPU"),
    # Time that the virtual machine did not get, and nothing on it can make up for.
    ("cpu_steal_share", 0.01, "other virtual machines took {:.1%} of the CPU"),
    # The measured threads stood still that long, and the time is too long by about as much.
    ("cpu_waited_share", 0.05, "the codec's threads waited for a CPU {:.0%} of their time"),
)
_EVENTS = (
    ("cpu_throttles", 0, "the CPU was too hot {} times"),
    ("swapped_pages", 0, "{} pages were swapped"),
    ("major_faults", 100, "{} pages were read from disk"),  # a few come with any first use of a library
)
CLOCK = 0.03  # as for the drift canary: a clock that moves less moves no time by more
SLOWING = frozenset({"hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown", "power_brake"})  # and may pass
HARMLESS = frozenset({"idle", "clocks_setting", "display_clocks_setting"})  # not at work, or set by somebody

Conditions = Mapping[str, Any]


def list_disturbances(conditions: Conditions) -> list[str]:
    """What puts times into doubt, in a few words each. conditions: as machine_monitor.summarise_readings gives them."""
    seconds = conditions.get("seconds", 0.0)
    messages = [
        text.format(share)
        for name, limit, text in _SHARES
        if (share := conditions.get(name, 0.0)) > limit and share * seconds > TICKS_S
    ]
    messages += [text.format(count) for name, limit, text in _EVENTS if (count := conditions.get(name, 0)) > limit]
    if foreign := conditions.get("gpu_foreign_processes", 0):
        messages.append(f"{foreign} other process{'es' if foreign > 1 else ''} on the GPU")
    return messages + _slowdowns_of_gpu(conditions) + _unsteady_clocks(conditions)


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
    """The merged conditions, but with the highest of each share."""
    shares = {name for conditions in several for name in conditions if name.endswith("_share")}
    return merge_conditions(several) | {name: max(c.get(name, 0.0) for c in several) for name in shares}


def _mean_share(name: str, several: Sequence[Conditions]) -> float:
    lengths = [conditions.get("seconds", 0.0) for conditions in several]
    weighted = sum(conditions[name] * seconds for conditions, seconds in zip(several, lengths, strict=True))
    return round(weighted / sum(lengths), 4) if sum(lengths) else 0.0


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


def _slowdowns_of_gpu(conditions: Conditions) -> list[str]:
    names = [name.replace("_", " ") for name in conditions.get("gpu_reasons", ()) if name not in HARMLESS]
    durations = {"power cap": conditions.get("gpu_power_cap_s", 0.0), "heat": conditions.get("gpu_thermal_s", 0.0)}
    names += [f"{name} for {seconds:.1f} s" for name, seconds in durations.items() if seconds > TICKS_S]
    return [f"the GPU was slowed down: {', '.join(names)}"] if names else []


def _unsteady_clocks(conditions: Conditions) -> list[str]:
    """Only if they moved: a constant clock does no harm, locked or not."""
    lowest, highest = conditions.get("gpu_sm_mhz", (0, 0))
    if conditions.get("gpu_clocks_locked") is not False or highest - lowest <= CLOCK * highest:
        return []
    return [f"the GPU's clocks are not locked: {lowest:.0f} to {highest:.0f} MHz"]
