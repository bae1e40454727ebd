"""One line of time for what the host and the device did during a call: who had each of its nanoseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from time import perf_counter_ns
from typing import Any

import torch

from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER

HOST = frozenset({ENTROPY_CODER, COPIES})  # phases of the host even where the networks run on another device


@dataclass(frozen=True, slots=True)
class Interval:
    """From start_ns until before end_ns, on the host's clock, `name` was at work; device: not the host was."""

    name: str
    start_ns: int
    end_ns: int
    device: bool = False


def nanoseconds_by_name(start_ns: int, end_ns: int, intervals: Iterable[Interval]) -> dict[str, int]:
    """Nanoseconds by name, which add up to end_ns - start_ns.

    Each instant belongs to the interval on the device that contains it, else to the one on the host; of several to the
    one that began last, and of those to the shortest: of nested ones that is the innermost. An instant in none is
    OTHER's. The order of `intervals` says nothing.
    """
    inside = [(max(i.start_ns, start_ns), min(i.end_ns, end_ns), i) for i in intervals]
    waiting = sorted(((a, b, i) for a, b, i in inside if a < b), key=lambda row: row[0], reverse=True)
    cuts = sorted({start_ns, end_ns, *(at for a, b, _ in waiting for at in (a, b))})
    found = {OTHER: 0}
    active: list[tuple[bool, int, int, str]] = []  # the first one has the instant
    for now, then in pairwise(cuts):
        while waiting and waiting[-1][0] == now:
            interval = waiting.pop()[2]
            heappush(active, (not interval.device, -interval.start_ns, interval.end_ns, interval.name))
        while active and active[0][2] <= now:
            heappop(active)
        name = active[0][3] if active else OTHER
        found[name] = found.get(name, 0) + then - now
    return found


def intervals_between(
    names: Sequence[str | None], hosts: Sequence[int], devices: Sequence[int] | None
) -> list[Interval]:
    """What ran between one change of phase and the next.

    names: of the phases, None between them. hosts, devices: when the host and the device came to each change, one more
    than names, in nanoseconds of the host's clock; devices is None where the host is the device. Else a network's phase
    lasts as long as the device was in it, which may begin late and end long after the host has gone on.
    """
    found = []
    for index, name in enumerate(names):
        if name is not None:
            on_device = devices is not None and name not in HOST
            times = devices if devices is not None and on_device else hosts
            found.append(Interval(name, times[index], times[index + 1], on_device))
    return found


class Timeline:
    """Which phase a call is in, noted at every change; `with Timeline(device) as line:` is around the call.

    On the CPU a change is a reading of the clock; on a GPU also an event in the stream, so that nothing waits for the
    device inside.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream: Any = torch.cuda.current_stream(device) if device.type == "cuda" else None
        self._names: list[str] = []
        self._changes: list[tuple[int, Any, str | None]] = []  # when, the event, the phase that is left

    def __enter__(self) -> Timeline:
        self._settle()
        self._change()
        return self

    def __exit__(self, *_: object) -> None:
        self._settle()
        self._change()

    @property
    def now(self) -> str | None:
        """The phase that runs; None between phases."""
        return self._names[-1] if self._names else None

    @property
    def changes(self) -> int:
        """How often a phase began or ended, the call itself included."""
        return len(self._changes)

    def enter(self, name: str) -> None:
        """A phase begins, inside the one that runs."""
        self._change()
        self._names.append(name)

    def leave(self) -> None:
        """It ends."""
        self._change()
        self._names.pop()

    def seconds(self) -> dict[str, float]:
        """Seconds by phase, OTHER among them, which add up to the time between beginning and end."""
        hosts, devices = self._times()
        names = [name for _, _, name in self._changes[1:]]
        found = nanoseconds_by_name(hosts[0], hosts[-1], intervals_between(names, hosts, devices))
        return {name: value / 1e9 for name, value in found.items()}

    def _change(self) -> None:
        event: Any = None
        if self._stream is not None:
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch leaves it untyped
            self._stream.record_event(event)
        self._changes.append((perf_counter_ns(), event, self.now))

    def _settle(self) -> None:
        if self._stream is not None:
            torch.cuda.synchronize(self._stream.device)

    def _times(self) -> tuple[list[int], list[int] | None]:
        """When the host, and when the device, came to each change, on the host's clock."""
        hosts = [host for host, _, _ in self._changes]
        if self._stream is None:
            return hosts, None
        self._settle()
        first = self._changes[0][1]  # recorded on an idle device: both clocks meet there
        return hosts, [hosts[0] + round(1e6 * first.elapsed_time(event)) for _, event, _ in self._changes]
