"""What `make gpu-check` runs: the tests that need a GPU, then BiWKV's times, into FOLDER/<gpu>/biwkv.json.

    python benchmarks/gpu_check.py --into results/gpu

Ends with 2 and one line where there is no GPU, with pytest's code if a test fails; then nothing is written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest
import torch

from lalic.biwkv import __main__ as biwkv_times
from lalic.biwkv import choose_backend

TESTS = Path(__file__).parent.parent / "tests"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("torch finds no CUDA device: the GPU check needs one.", file=sys.stderr)
        return 2
    print(
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}, auto means {choose_backend('cuda')!r}", flush=True
    )
    files = [str(file) for file in sorted(TESTS.rglob("test_*.py")) if "pytest.mark.gpu" in file.read_text()]
    failed = pytest.main(["-q", "-m", "gpu", "-p", "no:cacheprovider", "-W", "default", *files])
    return int(failed) or biwkv_times.main(["--device", "cuda", "--into", str(options.into)])


if __name__ == "__main__":
    sys.exit(main())
