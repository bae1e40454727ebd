"""Samples this process's memory every few milliseconds from a process beside it, see memory_sampler_main.py.

So it sees what no allocator tells of itself: the driver's memory on a GPU, and the programs that this process starts.
"""

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

from lic_bench.system.processes import end_process

EVERY_S = 0.005
END_S = 1.0  # to end in order, and again after each signal
PATIENCE_S = 10.0  # for an answer, which takes milliseconds


class MemorySampler:
    """Peaks of this process's memory; {} if the sampling process is gone."""

    def __init__(self, uuid: str | None = None, every_s: float = EVERY_S) -> None:
        """uuid: of the GPU to sample as well, with or without NVML's prefix."""
        command = [sys.executable, "-m", f"{__name__}_main", str(os.getpid()), str(every_s), *([uuid] if uuid else [])]
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": paths}, **pipes)

    def begin(self) -> None:
        """Start sampling; the first sample is taken when this returns."""
        self._request("begin")

    def end(self) -> dict[str, int]:
        """Take the last sample; name -> peak bytes since `begin`, absent if the system does not tell.

        "rss": of this process. "children_rss": of all programs that it has started, together. "nvml_process": what it
        and its children hold on the GPU, CUDA's context and libraries included. "nvml_device": what all processes hold
        there. "rss_before", "nvml_process_before", "nvml_device_before": of the first sample.
        """
        return self._request("end")

    @property
    def alive(self) -> bool:
        """Whether the sampling process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the sampling process; it also ends with this one."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        end_process(self._process, END_S)

    def _request(self, command: str) -> dict[str, int]:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            return {}
        try:
            requests.write(f"{command}\n".encode())
            requests.flush()
            ready, _, _ = select.select([answers], [], [], PATIENCE_S)
            if ready:
                return dict(json.loads(answers.readline()))
            end_process(self._process, END_S, asked=False)  # its late answer would be taken for the next one
        except (OSError, ValueError):  # it is gone: closed pipes, or an empty line that is no JSON
            pass
        return {}


def shared_sampler(uuid: str | None) -> MemorySampler | None:
    """This process's sampler for a GPU, or for None of the host alone; None if it cannot be started.

    It is started at the first call, and anew if it has died.
    """
    sampler = _start_sampler(os.getpid(), uuid)
    if sampler is not None and not sampler.alive:
        sampler.close()
        _start_sampler.cache_clear()
        sampler = _start_sampler(os.getpid(), uuid)
    return sampler


@cache
def _start_sampler(_pid: int, uuid: str | None) -> MemorySampler | None:
    """_pid: part of the cache's key, as a fork of this process must not write into the original's pipes."""
    try:
        sampler = MemorySampler(uuid)
    except OSError:
        return None
    atexit.register(sampler.close)
    return sampler
