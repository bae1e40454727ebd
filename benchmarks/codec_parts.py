"""Where the time of each learned codec goes on one image, and how much memory it takes beside its weights.

    python benchmarks/codec_parts.py [--codecs lalic,elic] [--size 512x768] [--device cuda] [--threads 2] [--json FILE]

Random weights, float32, the settings of `lic-bench run`; each codec in a process of its own; median of three calls
after one that is not counted, in seconds. `context` is what is left of a call: the context model and the preparation of
symbols. `coder` is rANS alone, for y and z. `enc+dec / once` compares encoding and decoding with one forward pass and
the coder; as both sides must compute h_s and the context, `/ twice` has them in the comparison two times. `bytes /
estimate` is the size of the strings over the estimate from the likelihoods; with random weights nearly all symbols are
zero, or far out in the tails, where the estimate has a floor of 1e-9 and the coder an escape.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

PARTS = ("g_a", "h_a", "h_s", "g_s")
HYPER_SYNTHESIS = ("h_s", "h_mean_s", "h_scale_s", "h_z_s1", "h_z_s2")
CODERS = {"Encoder": ("put", "flush"), "Decoder": ("__init__", "get")}
REPEATS = 3
COLUMNS = ("g_a", "h_a", "h_s", "context", "coder", "g_s", "sum")


def learned_codecs() -> list[str]:
    from lic_bench.codecs.registry import find_codecs

    return [name for name, spec in find_codecs().items() if spec.kind == "learned"]


class Clock:
    """Seconds by part, summed over one call."""

    def __init__(self, synchronise: Callable[[], object]) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.synchronise = synchronise

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self.synchronise()
        start = perf_counter()
        yield
        self.synchronise()
        self.seconds[name] += perf_counter() - start

    def wrap(self, owner: Any, method: str, name: str) -> None:
        """Count calls of a method, of one object or of all objects of a class, as part `name`."""
        inner = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return inner(*args, **kwargs)

        setattr(owner, method, timed)

    def of(self, call: Callable[[], object]) -> dict[str, float]:
        """Medians over calls of each part, the rest ("context") and the sum."""
        rows = []
        for _ in range(REPEATS + 1):
            self.seconds.clear()
            with self.part("sum"):
                call()
            rows.append(dict(self.seconds))
        names = {name for row in rows for name in row}
        medians = {name: median(row.get(name, 0.0) for row in rows[1:]) for name in names}
        return medians | {"context": 2 * medians["sum"] - sum(medians.values())}


def measure(codec: str, size: str, device_name: str, threads: int | None) -> dict[str, Any]:
    """Seconds by part of forward, compress and decompress; peak memory growth in bytes; sizes in bytes."""
    import torch

    from lic_bench import load_model
    from lic_bench.codecs import compressai_rans, rans
    from lic_bench.images.sample_pictures import draw_sample
    from lic_bench.machine.environment_record import apply_protocol_settings
    from lic_bench.measurement.peak_memory import bytes_of_weights, measure_peak_memory

    device = torch.device(device_name)
    apply_protocol_settings(device, threads)
    clock = Clock(torch.cuda.synchronize if device.type == "cuda" else lambda: None)
    height, width = map(int, size.split("x"))
    model = load_model(codec, device=device)
    x = torch.from_numpy(draw_sample(1, height, width).copy()).permute(2, 0, 1)[None].float().to(device) / 255
    with torch.inference_mode():
        coded, growth = measure_peak_memory(lambda: model.compress(x), device)
        _, decoding = measure_peak_memory(lambda: model.decompress(coded["strings"], coded["shape"]), device)
        estimate = sum(-p.double().log2().sum().item() for p in model(x)["likelihoods"].values()) / 8
        for name, module in model.named_modules():
            leaf = name.rpartition(".")[2]
            if leaf in (*PARTS, *HYPER_SYNTHESIS):
                clock.wrap(module, "forward", "h_s" if leaf in HYPER_SYNTHESIS else leaf)
        for module, (coder, methods) in product((rans, compressai_rans), CODERS.items()):
            for method in methods:
                clock.wrap(getattr(module, coder), method, "coder")
        times = {
            "forward": clock.of(lambda: model(x)),
            "compress": clock.of(lambda: model.compress(x)),
            "decompress": clock.of(lambda: model.decompress(coded["strings"], coded["shape"])),
        }
    growths = [peaks.get("rss_growth", peaks.get("allocated_growth", 0)) for peaks in (growth, decoding)]
    return {
        "codec": codec,
        "times": times,
        "weights_bytes": bytes_of_weights(model),
        "growth_bytes": max(growths),
        "bytes": sum(map(len, leaves(coded["strings"]))),
        "estimate": estimate,
    }


def leaves(strings: Any) -> Iterator[bytes]:
    if isinstance(strings, bytes):
        yield strings
    else:
        for item in strings:
            yield from leaves(item)


def show(rows: list[dict[str, Any]]) -> None:
    print(
        "| codec | call | "
        + " | ".join(COLUMNS)
        + " | enc+dec / once | / twice | MB beside weights | bytes / estimate |"
    )
    print("| --- | --- |" + " ---: |" * (len(COLUMNS) + 4))
    for row in rows:
        times = row["times"]
        coder = times["compress"].get("coder", 0) + times["decompress"].get("coder", 0)
        both = times["compress"]["sum"] + times["decompress"]["sum"]
        once = times["forward"]["sum"] + coder
        twice = once + times["forward"].get("h_s", 0) + times["forward"]["context"]
        last = f"{both / once:.2f} | {both / twice:.2f} | {row['growth_bytes'] / 1e6:.0f} | "
        last += f"{row['bytes']} / {row['estimate']:.0f}"
        for call, parts in times.items():
            cells = (f"{parts[name]:.3f}" if name in parts else "" for name in COLUMNS)
            print(
                f"| {row['codec']} | {call} | "
                + " | ".join(cells)
                + f" | {last if call == 'decompress' else ' | | |'} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codecs", help="separated by commas; all learned ones by default")
    parser.add_argument("--size", default="512x768", help="height x width, multiples of 256")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", help="file for the numbers")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.size, options.device, options.threads)))
        return
    rows = []
    for codec in options.codecs.split(",") if options.codecs else learned_codecs():
        command = [sys.executable, "-W", "ignore", __file__, *sys.argv[1:], "--only", codec]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{codec}: {rows[-1]['times']['compress']['sum']:.2f} s", file=sys.stderr)
    show(rows)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
