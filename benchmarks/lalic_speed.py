"""Where LALIC's time goes: its transforms, coding and decoding of one image, and the operators of g_a.

    python benchmarks/lalic_speed.py [--device cuda] [--size 512x768] [--profile] [--json FILE]

Random weights, float32, the settings of `lic-bench run`; medians of five calls after one that is not counted.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch.profiler import profile

from lic_bench import load_model
from lic_bench.machine.environment_record import apply_protocol_settings

REPEATS = 5


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """The median of REPEATS calls, the device's work included."""
    times = []
    for _ in range(REPEATS + 1):
        start = perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(perf_counter() - start)
    return median(times[1:])


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", default="512x768", help="height x width, multiples of 128")
    parser.add_argument("--profile", action="store_true", help="also the operators of g_a")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the seconds there too")
    options = parser.parse_args()
    device = torch.device(options.device)
    apply_protocol_settings(device, None)
    height, width = map(int, options.size.split("x"))
    model = load_model("lalic", device=device)
    x = torch.rand(1, 3, height, width, device=device)
    y = model.g_a(x)
    coded = model.compress(x)
    calls = {
        "g_a": lambda: model.g_a(x),
        "g_s": lambda: model.g_s(y),
        "compress": lambda: model.compress(x),
        "decompress": lambda: model.decompress(coded["strings"], coded["shape"]),
    }
    print(f"{height} x {width} on {device}, {torch.get_num_threads()} threads")
    medians = {}
    for name, call in calls.items():
        medians[name] = seconds(call, device)
        print(f"{name:<12} {medians[name] * 1e3:8.1f} ms", flush=True)
    if options.json:
        what = {"torch": torch.__version__, "device": str(device), "height": height, "width": width}
        options.json.write_text(json.dumps(what | {"seconds": medians}, indent=1) + "\n")
    if options.profile:
        with profile() as seen:
            model.g_a(x)
        print(seen.key_averages().table(sort_by="self_cpu_time_total", row_limit=15, max_name_column_width=40))


if __name__ == "__main__":
    main()
