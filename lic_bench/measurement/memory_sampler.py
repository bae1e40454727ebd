"""A process beside the measured one that samples its memory every few milliseconds: what no allocator tells of itself.

`python -m lic_bench.measurement.memory_sampler PID [GPU-UUID]` answers "begin" and "end", a line each, on its standard
input with a line of JSON each, and ends when its input does: so also when the process that asked it dies. Free of
torch, which would take seconds and hundreds of megabytes.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from lic_bench.machine import cores, nvml, sysfs
from lic_bench.machine.process_tree import descendants
from lic_bench.system.processes import end_process

EVERY_S = 0.005
IDLE_S = 5.0  # between two looks whether there is still somebody to ask
PATIENCE_S = 10.0  # for an answer of the side process; it gives them within milliseconds
END_S = 1.0  # to end in order, and again after each signal
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Side:
    """The asking end. Where the process cannot be started or is gone, the answers are {}."""

    def __init__(self, uuid: str | None = None, every_s: float = EVERY_S) -> None:
        """uuid: of the GPU to sample as well, with or without NVML's prefix."""
        command = [sys.executable, "-m", __name__, str(os.getpid()), str(every_s), *([uuid] if uuid else [])]
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": paths}, **pipes)

    def begin(self) -> None:
        """Sampling has begun, with a first sample, once this returns."""
        self._ask("begin")

    def end(self) -> dict[str, int]:
        """Name -> bytes since `begin`, the last sample taken now; absent where the system does not tell.

        "rss": peak of the measured process, and "rss_before". "children_rss": of all programs that it has started,
        together. "nvml_process": what it and its children hold on the GPU, CUDA's context and libraries included;
        "nvml_device": what is taken of the GPU by everyone; "nvml_process_before", "nvml_device_before".
        """
        return self._ask("end")

    @property
    def alive(self) -> bool:
        """Whether there is still a process to ask."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process; done by itself when this one ends."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        end_process(self._process, END_S)

    def _ask(self, what: str) -> dict[str, int]:
        entry, answers = self._process.stdin, self._process.stdout
        if entry is None or answers is None:
            return {}
        try:
            entry.write(f"{what}\n".encode())
            entry.flush()
            ready, _, _ = select.select([answers], [], [], PATIENCE_S)
            if ready:
                return dict(json.loads(answers.readline()))
            end_process(self._process, END_S, asked=False)  # its late answer would be taken for the next one
        except (OSError, ValueError):  # it is gone: closed pipes, or an empty line that is no JSON
            pass
        return {}


def side_of(uuid: str | None) -> Side | None:
    """This process's side process for that GPU, or for the host alone: started at the first call. None: it cannot be.

    One that has died is replaced.
    """
    side = _started(os.getpid(), uuid)
    if side is not None and not side.alive:
        side.close()
        _started.cache_clear()
        side = _started(os.getpid(), uuid)
    return side


@cache
def _started(_pid: int, uuid: str | None) -> Side | None:
    """_pid: a copy of this process by fork must not talk into the original's pipes."""
    try:
        side = Side(uuid)
    except OSError:
        return None
    atexit.register(side.close)
    return side


class Sampler:
    """The sampling end: peaks over the samples since `begin`."""

    def __init__(self, pid: int, gpu: nvml.Gpu | None) -> None:
        self.pid = pid
        self.gpu = gpu
        self._programs: set[int] = set()
        self._peaks: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def begin(self) -> None:
        """Forget what was; the first sample."""
        self._peaks, self._programs = {}, set()
        self.sample()
        self._before = {f"{name}_before": value for name, value in self._peaks.items() if name != "children_rss"}

    def end(self) -> dict[str, int]:
        """The last sample and all peaks."""
        self.sample()
        return self._peaks | self._before

    def sample(self) -> None:
        """Look once."""
        children = [pid for pid in descendants(self.pid) if pid != os.getpid()]
        sizes = {"rss": resident(self.pid), "children_rss": self._children(children)}
        if self.gpu:
            held = nvml.bytes_of(self.gpu.processes(), [self.pid, *children])
            sizes |= {"nvml_process": held, "nvml_device": self.gpu.memory_used()}
        for name, size in sizes.items():
            if size is not None:
                self._peaks[name] = max(size, self._peaks.get(name, 0))

    def _children(self, pids: list[int]) -> int:
        """Resident bytes of the programs among them, or more, where one had more between two samples.

        A process that has only forked, or is about to become a program, still has its parent's pages: left out.
        """
        self._programs |= {pid for pid in pids if pid not in self._programs and _is_program(pid)}
        programs = [pid for pid in pids if pid in self._programs]
        return max(sum(resident(pid) or 0 for pid in programs), *(highest(pid) or 0 for pid in programs), 0)


def resident(pid: int) -> int | None:
    """Resident bytes of a process; None if there is none such."""
    if text := sysfs.read(f"/proc/{pid}/statm"):
        return int(text.split()[1]) * PAGE
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def highest(pid: int | str) -> int | None:
    """The most resident bytes that a process has had (VmHWM); None where /proc does not tell."""
    for line in (sysfs.read(f"/proc/{pid}/status") or "").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def _is_program(pid: int) -> bool:
    """Whether it has a command line, and another one than its parent."""
    try:
        process = psutil.Process(pid)
        parent = process.parent()
        own = process.cmdline()
        return bool(own) and (parent is None or own != parent.cmdline())
    except psutil.Error:
        return False


def main(arguments: list[str]) -> None:
    """arguments: the process to sample, seconds between two samples, optionally the GPU's UUID."""
    cores.leave()  # a timed run's are for what it times
    sampler = Sampler(int(arguments[0]), nvml.find(arguments[2] if len(arguments) > 2 else None))
    pause, running, text = float(arguments[1]), False, b""
    while psutil.pid_exists(sampler.pid):  # a forked copy of the process that asked may hold the pipe open
        ready, _, _ = select.select([0], [], [], pause if running else IDLE_S)
        if not ready:
            if running:
                sampler.sample()
            continue
        part = os.read(0, 4096)
        if not part:
            return
        *lines, text = (text + part).split(b"\n")
        for line in lines:
            running = line == b"begin"
            answer: dict[str, int] = {}
            if running:
                sampler.begin()
            else:
                answer = sampler.end()
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        main(sys.argv[1:])
