"""Which tile of the CUDA kernels is the fastest on this GPU: tokens per thread, warps per block, resident blocks.

    python benchmarks/biwkv_tiles.py [--shapes 1x98304x96,1x24576x144] [--json FILE]

The times are of `python -m lalic.biwkv`, each tile compiled anew (a second); the first line of each shape and direction
is the one in lalic/biwkv/cuda.py. The fastest belongs into its TILES.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from lalic.biwkv import cuda, timing
from lalic.biwkv.cuda import Tile

TRIED = {
    "forward": [Tile(8, 8, 4), Tile(8, 16, 1), Tile(16, 8, 2), Tile(16, 16, 1), Tile(4, 16, 2), Tile(12, 8, 3)],
    "backward": [Tile(8, 8, 2), Tile(8, 16, 1), Tile(4, 16, 2), Tile(4, 16, 1), Tile(8, 4, 6), Tile(6, 8, 3)],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="1x98304x96,1x24576x144")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("torch finds no CUDA device: there is nothing to compare.", file=sys.stderr)
        return 2
    device = torch.device("cuda")
    bandwidth = timing.copy_bandwidth(device)
    print(f"{torch.cuda.get_device_name()}, copies at {bandwidth / 1e9:.0f} GB/s")
    timings: list[dict[str, Any]] = []
    for shape in options.shapes.split(","):
        sizes = tuple(map(int, shape.split("x")))
        for direction, tiles in TRIED.items():
            for tile in (cuda.TILES[direction == "backward"], *tiles):
                timed = measured(tile, sizes, direction, bandwidth)
                share = timed.limit_s / timed.median_s
                print(f"{shape} {direction:8} {tuple(tile)}: {timed.median_s * 1e6:.1f} us, {share:.0%} of the limit")
                timings.append({"tile": tile._asdict(), **asdict(timed)})
                if options.json:
                    options.json.write_text(json.dumps(timings, indent=1))
    return 0


def measured(tile: Tile, shape: tuple[int, int, int], direction: str, bandwidth: float) -> timing.Timing:
    """One pass with that tile."""
    backward, device = direction == "backward", torch.device("cuda")
    before = cuda.TILES[backward]
    cuda.TILES[backward] = tile
    try:
        return timing.measure(shape, direction, "cuda", device, torch.float32, bandwidth)
    finally:
        cuda.TILES[backward] = before


if __name__ == "__main__":
    sys.exit(main())
