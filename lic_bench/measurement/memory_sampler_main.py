"""The process that samples another one's memory: `python -m lic_bench.measurement.memory_sampler_main PID EVERY [GPU]`.

It answers "begin" and "end", a line each, on its standard input with a line of JSON each, and ends when its input does:
so also when the process that started it dies. Free of torch, which would take seconds and hundreds of megabytes.
"""

import contextlib
import json
import os
import select
import sys

import psutil

from lic_bench.machine import core_affinity, nvml
from lic_bench.machine.processes import descendants, peak_resident_bytes, resident_bytes

IDLE_S = 5.0  # between two looks whether the measured process still lives


class PeakSampler:
    """The peaks of a process's memory over the samples since `begin`. gpu: the one to sample as well."""

    def __init__(self, pid: int, gpu: nvml.Gpu | None) -> None:
        self.pid = pid
        self.gpu = gpu
        self._programs: set[int] = set()
        self._peaks: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def begin(self) -> None:
        """Forget all peaks and take the first sample."""
        self._peaks, self._programs = {}, set()
        self.sample()
        self._before = {f"{name}_before": value for name, value in self._peaks.items() if name != "children_rss"}

    def end(self) -> dict[str, int]:
        """Take the last sample; all peaks, as `MemorySampler.end` names them."""
        self.sample()
        return self._peaks | self._before

    def sample(self) -> None:
        """Take one sample."""
        children = [pid for pid in descendants(self.pid) if pid != os.getpid()]
        sizes = {"rss": resident_bytes(self.pid), "children_rss": self._bytes_of_programs(children)}
        if self.gpu:
            held = nvml.bytes_held_by(self.gpu.processes(), [self.pid, *children])
            sizes |= {"nvml_process": held, "nvml_device": self.gpu.memory_used()}
        for name, size in sizes.items():
            if size is not None:
                self._peaks[name] = max(size, self._peaks.get(name, 0))

    def _bytes_of_programs(self, pids: list[int]) -> int:
        """Resident bytes of the programs among these processes, together; at least the peak of any one of them.

        A process that has forked and not (yet) become a program is left out: it shares its parent's pages.
        """
        self._programs |= {pid for pid in pids if pid not in self._programs and _is_program(pid)}
        programs = [pid for pid in pids if pid in self._programs]
        return max(
            sum(resident_bytes(pid) or 0 for pid in programs), *(peak_resident_bytes(pid) or 0 for pid in programs), 0
        )


def _is_program(pid: int) -> bool:
    """Whether the process has a command line that differs from its parent's."""
    try:
        process = psutil.Process(pid)
        parent = process.parent()
        command = process.cmdline()
        return bool(command) and (parent is None or command != parent.cmdline())
    except psutil.Error:
        return False


def main(arguments: list[str]) -> None:
    """Answer until the input ends. arguments: process to sample, seconds between samples, optionally the GPU's UUID."""
    core_affinity.leave_inherited_cores()  # which are for what the run times
    sampler = PeakSampler(int(arguments[0]), nvml.find_gpu(arguments[2] if len(arguments) > 2 else None))
    pause, running, text = float(arguments[1]), False, b""
    while psutil.pid_exists(sampler.pid):  # a forked copy of the process that asked may hold the pipe open
        ready, _, _ = select.select([0], [], [], pause if running else IDLE_S)
        if not ready:
            if running:
                sampler.sample()
            continue
        received = os.read(0, 4096)
        if not received:
            return
        *requests, text = (text + received).split(b"\n")
        for request in requests:
            running = request == b"begin"
            answer: dict[str, int] = {}
            if running:
                sampler.begin()
            else:
                answer = sampler.end()
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        main(sys.argv[1:])
