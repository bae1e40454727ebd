"""Where the time of a training step goes: reading crops, forward, backward, optimisers.

    python benchmarks/training_parts.py --data FOLDER [--codec lalic-small] [--crop 128] [--batch 4] [--steps 20]

Median milliseconds of the steps after the first five, by part, on --threads threads; what is left is the
transfer of crops, the means over processes and Python. `lic-bench train` does the same steps.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from lightning_fabric import Fabric

from lic_bench.codecs.loading import new_network
from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError
from lic_bench.training.crops import Crops, StepBatches, load_batches
from lic_bench.training.pictures import find_pictures
from lic_bench.training.trainer import Trainer

NOT_COUNTED = 5
Times = defaultdict[str, list[float]]


def clocked(times: Times, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which notes how long it takes."""

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            times[part].append(1e3 * (perf_counter() - start))

    return timed


def measure(options: argparse.Namespace) -> Times:
    """part -> milliseconds of each step."""
    times: Times = defaultdict(list)
    pictures = find_pictures(options.data)
    crops = Crops(pictures.folder, pictures.of_side(options.crop), options.crop, 0)
    network = new_network(resolve_codec(options.codec), options.quality, None, 0)
    trainer = Trainer(Fabric(accelerator="cpu", devices=1), network, 0.013, "mse", 0)
    trainer._forward = clocked(times, "forward", trainer._forward)
    trainer.fabric.backward = clocked(times, "backward", trainer.fabric.backward)
    trainer.fabric.clip_gradients = clocked(times, "clipping", trainer.fabric.clip_gradients)
    trainer._optimiser.step = clocked(times, "Adam", trainer._optimiser.step)
    trainer._fit_quantiles = clocked(times, "quantiles", trainer._fit_quantiles)
    batches = iter(load_batches(crops, StepBatches(range(options.steps + NOT_COUNTED), options.batch), 0, pinned=False))
    read = clocked(times, "reading", lambda: next(batches))
    step = clocked(times, "step", lambda number: trainer.step(number, read(), 1e-4))
    for number in range(options.steps + NOT_COUNTED):
        step(number)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--codec", default="lalic-small")
    parser.add_argument("--quality", type=int, default=4)
    for name, default in (("crop", 128), ("batch", 4), ("steps", 20), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    try:
        times = {part: median(values[NOT_COUNTED:]) for part, values in measure(options).items()}
    except UserError as error:
        print(f"training_parts.py: {error}", file=sys.stderr)
        return 2
    whole = times.pop("step")
    times["rest"] = whole - sum(times.values())
    for part, milliseconds in [*times.items(), ("step", whole)]:
        print(f"{part:10} {milliseconds:8.1f} ms {100 * milliseconds / whole:5.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
