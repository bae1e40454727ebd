"""How long a fresh process waits for its first BiWKV, forward and backward, in seconds, as JSON.

    python -m lalic.biwkv.first_call DEVICE DTYPE

On a GPU that is loading NVRTC, compiling the kernels and loading them; with a filled cache folder, loading alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from time import perf_counter

import torch

from lalic.biwkv.operator import biwkv_backward_op, biwkv_op

SHAPE = (1, 1024, 64)


def first_calls(device: str, dtype: str) -> dict[str, dict[str, float]]:
    """The seconds with an empty cache folder, "compiled", and once more with what that left there, "kept"."""
    safe = ["-P"] if sys.flags.safe_path else []
    command = [sys.executable, *safe, "-m", "lalic.biwkv.first_call", device, dtype]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"XDG_CACHE_HOME": folder}
        outputs = (subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE) for _ in range(2))
        return {name: json.loads(output.stdout) for name, output in zip(("compiled", "kept"), outputs, strict=True)}


def main() -> None:
    device, dtype = torch.device(sys.argv[1]), getattr(torch, sys.argv[2])
    wide = torch.promote_types(dtype, torch.float32)
    w, u = torch.ones(2, SHAPE[2], device=device, dtype=wide) / SHAPE[1]
    k, v, grad = torch.ones((3, *SHAPE), device=device, dtype=dtype)
    seconds = {}
    for name, call in {
        "forward": lambda: biwkv_op(w, u, k, v, "auto"),
        "backward": lambda: biwkv_backward_op(w, u, k, v, grad, "auto"),
    }.items():
        _wait(device)
        start = perf_counter()
        call()
        _wait(device)
        seconds[name] = perf_counter() - start
    print(json.dumps(seconds))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
