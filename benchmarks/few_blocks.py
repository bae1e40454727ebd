"""How much faster the "cuda" kernels are than BiWKV in the published launch shape (few_blocks.cu), on this GPU.

    python benchmarks/few_blocks.py [--json FILE]

Both with tensors that are in no cache. Exit code 2 where there is no GPU.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
from functools import partial
from math import prod
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from lalic.biwkv import biwkv, nvrtc
from lalic.biwkv.timing import samples, sets

BUILD = nvrtc.Build(Path(__file__).with_suffix(".cu"))
SHAPES = [(1, 98304, 96), (1, 24576, 144)]
_CHANNELS, _THREADS = 16, 512  # per block, as in few_blocks.cu


class Arguments(ctypes.Structure):
    """As in few_blocks.cu."""

    _fields_ = [(name, ctypes.c_int64) for name in ("batch", "tokens", "channels")] + [
        (name, ctypes.c_void_p) for name in ("w", "u", "k", "v", "y", "later")
    ]


def few_blocks(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`lalic.biwkv.biwkv` for contiguous float32 tensors on a GPU."""
    y, later = torch.empty_like(k), torch.empty((3, *k.shape), device=k.device)
    arguments = Arguments(*k.shape, *(x.data_ptr() for x in (w, u, k, v, y, later)))
    blocks = k.shape[0] * -(-k.shape[2] // _CHANNELS)
    nvrtc.launcher(BUILD, k.device)([("few_blocks", blocks, _THREADS)], arguments)
    return y


def times(shape: tuple[int, int, int]) -> tuple[float, float]:
    """Median seconds of both on random input, whose results must agree."""
    device = torch.device("cuda")
    inputs = [_inputs(shape, device) for _ in range(sets(3 * prod(shape) * 4))]
    torch.testing.assert_close(few_blocks(*inputs[0]), biwkv(*inputs[0], "cuda"), rtol=0, atol=2e-4)
    slow = samples([partial(few_blocks, *each) for each in inputs], device)
    return median(slow), median(samples([partial(biwkv, *each, "cuda") for each in inputs], device))


def _inputs(shape: tuple[int, int, int], device: torch.device) -> list[Tensor]:
    w, u = (torch.randn(shape[2], device=device) / shape[1] for _ in range(2))
    return [w, u, *(torch.randn(shape, device=device) for _ in range(2))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("torch finds no CUDA device: there is nothing to compare.", file=sys.stderr)
        return 2
    gpu = torch.cuda.get_device_name()
    print(gpu)
    print(f"{'B x T x C':>16} {'published shape [ms]':>21} {'cuda [ms]':>10} {'faster':>7}")
    rows = []
    for shape in SHAPES:
        slow, fast = times(shape)
        size = " x ".join(map(str, shape))
        print(f"{size:>16} {slow * 1e3:21.4f} {fast * 1e3:10.4f} {slow / fast:6.1f}x", flush=True)
        rows.append({"shape": shape, "published_s": slow, "cuda_s": fast, "faster": slow / fast})
    if options.json:
        options.json.write_text(json.dumps({"device": gpu, "torch": torch.__version__, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
