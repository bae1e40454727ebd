"""python -m lalic.biwkv: times of the backends on this machine beside what its memory allows."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from subprocess import CalledProcessError

import torch

from lalic.biwkv import BACKENDS, choose_backend
from lalic.biwkv.first_call import first_calls
from lalic.biwkv.timing import PASSES, Timing, copy_bandwidth, keep_freed_memory, measure

SHAPES = [(1, 98304, 96), (1, 24576, 144), (1, 6144, 256), (1, 1536, 320), (1, 384, 256)]  # LALIC at 768 x 512
HEADER = f"{'B x T x C':>16}  {'backend':<7} {'pass':<8} {'time [ms]':>9} {'spread':>7} {'GB/s':>7} {'of limit':>8}"
ON_GPU = f" {'warm':>8} {'eager':>8}"
DTYPES = {"cpu": ["float32"], "cuda": ["float32", "bfloat16"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was measured on."""

    device: str
    torch: str
    threads: int
    copy_bytes_per_s: float


@dataclass(slots=True)
class Report:
    """All results, written anew with each row: they stay if a later row ends the process.

    first_call_s: dtype -> `first_call.first_calls`; empty on a CPU.
    """

    file: Path | None
    machine: Machine
    timings: list[Timing] = field(default_factory=list)
    first_call_s: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def add(self, row: Timing | str) -> None:
        if isinstance(row, Timing):
            self.timings.append(row)
        else:
            self.failed.append(row)
        self._write()

    def add_first_call(self, dtype: str) -> None:
        try:
            calls = first_calls("cuda", dtype)
        except CalledProcessError as error:
            return self.add(f"first call, {dtype}: {error}")
        ways = (f"{way} " + " + ".join(f"{s:.2f}" for s in seconds.values()) for way, seconds in calls.items())
        print(f"A process's first calls, forward + backward, {dtype} [s]: {'; '.join(ways)}", flush=True)
        self.first_call_s[dtype] = calls
        self._write()

    def _write(self) -> None:
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            whole = {name: value for name, value in asdict(self).items() if name != "file"}
            self.file.write_text(json.dumps(whole, indent=1) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; writes it as JSON if asked to. 1 if anything failed; its line says so, the others stand."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no CUDA device; --device cpu is always there")
    device, dtypes = torch.device(options.device), options.dtype or DTYPES[options.device]
    keep_freed_memory()
    machine = _machine(device)
    report = Report(options.into / folder_name(device) / "biwkv.json" if options.into else None, machine)
    _introduce(machine)
    for name in dtypes:
        print(f"\n{name}\n{HEADER}{ON_GPU if device.type == 'cuda' else ''}")
        for row in _timings(options.backends, device, getattr(torch, name), machine.copy_bytes_per_s):
            print(_line(row) if isinstance(row, Timing) else row, flush=True)
            report.add(row)
    if device.type == "cuda":
        print("\ntime: in a CUDA graph, tensors in no cache; warm: always the same tensors; eager: without a graph.")
        for name in dtypes:
            report.add_first_call(name)
    if report.file:
        print(f"\nWritten to {report.file}")
    return 1 if report.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lalic.biwkv", description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=["cpu", "cuda"])
    parser.add_argument(
        "--dtype",
        nargs="*",
        choices=["float64", "float32", "float16", "bfloat16"],
        help="[default: float32, on a GPU bfloat16 too]",
    )
    parser.add_argument("--backends", nargs="*", choices=sorted(set(BACKENDS) - {"reference"}))
    parser.add_argument("--into", type=Path, help="write the figures to FOLDER/<device>/biwkv.json", metavar="FOLDER")
    return parser


def _machine(device: torch.device) -> Machine:
    return Machine(
        device=device_name(device),
        torch=torch.__version__,
        threads=torch.get_num_threads(),
        copy_bytes_per_s=copy_bandwidth(device),
    )


def _introduce(machine: Machine) -> None:
    print(
        f"{machine.device}, torch {machine.torch}, {machine.threads} threads\n"
        f"Copies run at {machine.copy_bytes_per_s / 1e9:.1f} GB/s, read plus written. The limit is every tensor once "
        "at that speed:\nk, v, y forward; k, v, dy, dk, dv backward."
    )


def _timings(
    backends: list[str] | None, device: torch.device, dtype: torch.dtype, bandwidth: float
) -> Iterator[Timing | str]:
    """A timing per shape, backend and pass; where it fails, a line that says why."""
    for shape, backend, direction in product(SHAPES, backends or _usable(device, dtype), PASSES):
        try:
            yield measure(shape, direction, backend, device, dtype, bandwidth)
        except RuntimeError as error:
            yield f"{shape} {backend} {direction}, {dtype}: {error}"


def _usable(device: torch.device, dtype: torch.dtype) -> list[str]:
    """The backends that compute in this type, fastest last; the reference would need T^2 memory."""
    chosen = choose_backend(device, dtype)
    return ["torch", chosen] if chosen != "torch" and dtype in BACKENDS["torch"].dtypes else [chosen]


def device_name(device: torch.device) -> str:
    """The device's name beside the figures."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({torch.backends.cpu.get_cpu_capability()})"


def folder_name(device: torch.device) -> str:
    """The folder of a device's figures."""
    return re.sub(r"[^a-z0-9]+", "-", device_name(device).lower()).strip("-")


def _line(t: Timing) -> str:
    shape = " x ".join(map(str, t.shape))
    line = (
        f"{shape:>16}  {t.backend:<7} {t.direction:<8} {t.median_s * 1e3:9.4f} {t.spread:7.1%} "
        f"{t.bytes_moved / t.median_s / 1e9:7.1f} {t.limit_s / t.median_s:8.1%}"
    )
    if t.warm_s is None or t.eager_s is None:
        return line
    return f"{line} {t.warm_s * 1e3:8.4f} {t.eager_s * 1e3:8.4f}"


if __name__ == "__main__":
    raise SystemExit(main())
