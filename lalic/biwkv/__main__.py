"""python -m lalic.biwkv: times of the backends on this machine beside what its memory allows."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from lalic.biwkv import BACKENDS, choose_backend
from lalic.biwkv.timing import Timing, copy_bandwidth, keep_freed_memory, measure

SHAPES = [(1, 98304, 96), (1, 24576, 144), (1, 6144, 256), (1, 1536, 320), (1, 384, 256)]  # LALIC at 768 x 512
HEADER = f"{'B x T x C':>16}  {'backend':<9} {'pass':<8} {'time [ms]':>10} {'spread':>7} {'GB/s':>7} {'of limit':>8}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was measured on."""

    device: str
    torch: str
    threads: int
    dtype: str
    copy_bytes_per_s: float


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; writes it as JSON if asked to."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no CUDA device; --device cpu is always there")
    device, dtype = torch.device(options.device), getattr(torch, options.dtype)
    keep_freed_memory()
    machine = Machine(
        device=_name(device),
        torch=torch.__version__,
        threads=torch.get_num_threads(),
        dtype=options.dtype,
        copy_bytes_per_s=copy_bandwidth(device),
    )
    print(
        f"{machine.device}, torch {machine.torch}, {machine.threads} threads, {machine.dtype}\n"
        f"Copies run at {machine.copy_bytes_per_s / 1e9:.1f} GB/s, read plus written. The limit is every tensor once "
        "at that speed:\nk, v, y forward; k, v, dy, dk, dv backward.\n"
    )
    print(HEADER)
    timings = []
    for shape in SHAPES:
        for name in options.backends or _usable(device, dtype):
            for timing in measure(shape, name, device, dtype, machine.copy_bytes_per_s):
                timings.append(timing)
                print(_line(timing), flush=True)
    if options.into:
        file = options.into / re.sub(r"[^a-z0-9]+", "-", machine.device.lower()).strip("-") / "biwkv.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        report = {"machine": asdict(machine), "timings": [asdict(timing) for timing in timings]}
        file.write_text(json.dumps(report, indent=1) + "\n")
        print(f"\nWritten to {file}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lalic.biwkv", description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=["cpu", "cuda"])
    parser.add_argument("--dtype", default="float32", choices=["float64", "float32", "float16", "bfloat16"])
    parser.add_argument("--backends", nargs="*", choices=sorted(set(BACKENDS) - {"reference"}))
    parser.add_argument("--into", type=Path, help="write the figures to FOLDER/<device>/biwkv.json", metavar="FOLDER")
    return parser


def _usable(device: torch.device, dtype: torch.dtype) -> list[str]:
    """The backends for a device, fastest last; the reference would need T^2 memory."""
    chosen = choose_backend(device, dtype)
    return ["torch"] if chosen == "torch" else ["torch", chosen]


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({torch.backends.cpu.get_cpu_capability()})"


def _line(t: Timing) -> str:
    shape = " x ".join(map(str, t.shape))
    return (
        f"{shape:>16}  {t.backend:<9} {t.direction:<8} {t.median_s * 1e3:10.3f} {t.spread:7.1%} "
        f"{t.bytes_moved / t.median_s / 1e9:7.1f} {t.limit_s / t.median_s:8.1%}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
