"""Which phase each nanosecond of a call belongs to, from what the host and the device did meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
    """Phase `name` ran from start_ns until before end_ns of the host's clock, on the host, or with device on that."""

    name: str
    start_ns: int
    end_ns: int
    device: bool = False


def nanoseconds_by_name(start_ns: int, end_ns: int, intervals: Iterable[Interval]) -> dict[str, int]:
    """Nanoseconds by name, which add up to end_ns - start_ns.

    Every instant belongs to one interval that contains it: intervals on the device go before those on the host, later
    begun ones before earlier ones, shorter ones before longer ones. So of nested intervals the innermost has it. An
    instant in no interval is OTHER's. `intervals` may come in any order.
    """
    inside = [(max(i.start_ns, start_ns), min(i.end_ns, end_ns), i) for i in intervals]
    waiting = sorted(((a, b, i) for a, b, i in inside if a < b), key=lambda row: row[0], reverse=True)
    cuts = sorted({start_ns, end_ns, *(at for a, b, _ in waiting for at in (a, b))})
    sums = {OTHER: 0}
    active: list[tuple[bool, int, int, str]] = []  # a heap: the instant belongs to the first
    for now, then in pairwise(cuts):
        while waiting and waiting[-1][0] == now:
            interval = waiting.pop()[2]
            heappush(active, (not interval.device, -interval.start_ns, interval.end_ns, interval.name))
        while active and active[0][2] <= now:
            heappop(active)
        name = active[0][3] if active else OTHER
        sums[name] = sums.get(name, 0) + then - now
    return sums


def intervals_between(
    names: Sequence[str | None], hosts: Sequence[int], devices: Sequence[int] | None
) -> list[Interval]:
    """The intervals between one change of phase and the next.

    names: of the phases, None between them. hosts, devices: when the host and the device came to each change, one more
    than names, in nanoseconds of the host's clock; devices is None if the host is the device. Else a network's phase
    takes place on the device, and may begin there late and end long after the host has gone on.
    """
    intervals = []
    for index, name in enumerate(names):
        if name is not None:
            on_device = devices is not None and name not in HOST
            times = devices if devices is not None and on_device else hosts
            intervals.append(Interval(name, times[index], times[index + 1], on_device))
    return intervals


class Timeline:
    """Records when a call changes from phase to phase; `with Timeline(device) as timeline:` goes around the call.

    A change reads the clock, and on a GPU also puts an event into the stream, so that nothing waits for the device.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream: Any = torch.cuda.current_stream(device) if device.type == "cuda" else None
        self._names: list[str] = []
        self._changes: list[tuple[int, Any, str | None]] = []  # host's time, device's event, the phase that ends

    def __enter__(self) -> Timeline:
        self._wait_for_device()
        self._record_change()
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for_device()
        self._record_change()

    @property
    def now(self) -> str | None:
        """The current phase; None between phases."""
        return self._names[-1] if self._names else None

    @property
    def changes(self) -> int:
        """How often a phase began or ended, the call itself included."""
        return len(self._changes)

    def enter(self, name: str) -> None:
        """Begin a phase inside the current one."""
        self._record_change()
        self._names.append(name)

    def leave(self) -> None:
        """End the current phase."""
        self._record_change()
        self._names.pop()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Inside runs a phase of this name."""
        self.enter(name)
        try:
            yield
        finally:
            self.leave()

    def seconds(self) -> dict[str, float]:
        """Seconds by phase, OTHER included, which add up to the duration of the `with` block."""
        hosts, devices = self._times()
        names = [name for _, _, name in self._changes[1:]]
        nanoseconds = nanoseconds_by_name(hosts[0], hosts[-1], intervals_between(names, hosts, devices))
        return {name: value / 1e9 for name, value in nanoseconds.items()}

    def _record_change(self) -> None:
        event: Any = None
        if self._stream is not None:
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch leaves it untyped
            self._stream.record_event(event)
        self._changes.append((perf_counter_ns(), event, self.now))

    def _wait_for_device(self) -> None:
        if self._stream is not None:
            torch.cuda.synchronize(self._stream.device)

    def _times(self) -> tuple[list[int], list[int] | None]:
        """When the host, and when the device, came to each change, in nanoseconds of the host's clock."""
        hosts = [host for host, _, _ in self._changes]
        if self._stream is None:
            return hosts, None
        self._wait_for_device()
        first = self._changes[0][1]  # recorded on an idle device, so at the host's time
        return hosts, [hosts[0] + round(1e6 * first.elapsed_time(event)) for _, event, _ in self._changes]
