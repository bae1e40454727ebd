"""Turn the weights of finished trainings into the files that a package brings: parameters alone, in half precision.

    python benchmarks/pack_weights.py results/train/lalic-small-q*/lalic-small-q*.pth --out lalic/weights

The tables of the entropy coder are left out, as they follow from the parameters. What `lic-bench train` notes beside
the weights (lambda, steps, hash of the pictures, commit, ...) stays.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from lic_bench.codecs.checkpoint_file import read_checkpoint
from lic_bench.codecs.loading import load_model
from lic_bench.errors import UserError

LARGEST = 5_000_000  # bytes, of one file


def pack(file: Path, out: Path) -> Path:
    """Write `file`, which `lic-bench train` left, into the folder `out` under the same name.

    Raises UserError if it is no such file, its training is not finished, or the packed one would be too large.
    """
    trained = dict(read_checkpoint(file))
    if not {"codec", "quality", "steps", "steps_planned"} <= trained.keys():
        raise UserError(f"{file} is not of `lic-bench train`.")
    if trained["steps"] < trained["steps_planned"]:
        raise UserError(f"{file}: {trained['steps']} of {trained['steps_planned']} steps are trained; go on with it.")
    network = load_model(trained["codec"], trained["quality"], file)
    trained["state_dict"] = {name: value.detach().half() for name, value in network.named_parameters()}
    out.mkdir(parents=True, exist_ok=True)
    packed = out / file.name
    torch.save(trained, packed)
    if (size := packed.stat().st_size) > LARGEST:
        packed.unlink()
        raise UserError(f"{packed} would have {size:,} bytes; {LARGEST:,} at most come with a package.")
    return packed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", help="weights files of finished trainings")
    parser.add_argument("--out", type=Path, required=True, help="folder of the package")
    options = parser.parse_args()
    try:
        for file in options.files:
            packed = pack(file, options.out)
            print(f"{packed}: {packed.stat().st_size:,} bytes")
    except UserError as error:
        print(f"pack_weights.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
