"""How far the time of one codec hangs on what its process drew when it started, and what drawing anew or alike changes.

    python benchmarks/layouts.py [--starts 10] [--turns 20]

Two processes that do the same take turns at JPEG and at a small ELIC (256 x 256 pixels, one thread), and are started
anew again and again. How far the differences of their times spread is what one process of each does not tell. Three
ways: the heap as it comes, the heap drawn anew before each sample (as lic-bench measures), and that with both processes
of one draw (as `lic-bench compare --confirm` measures). See lic_bench/measurement/memory_layout.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from lic_bench.codecs.registry import add_plugin, resolve_codec
from lic_bench.compare.statistics import Floats, floor
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import Image
from lic_bench.machine import core_affinity
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run import codec_process
from lic_bench.run.codec_process import CodecProcess, RemoteImage
from lic_bench.run.worker_interface import CodecSetup
from lic_bench.spec import CodecSpec

TINY = Path(__file__).resolve().parent.parent / "ci" / "tiny"
ANEW = codec_process.PROGRAM
KEPT = "import lic_bench.run.codec_worker as worker; worker.random_heap_blocks = lambda random: []; "
AS_IT_COMES = ANEW.replace("from lic_bench.run.codec_process", f"{KEPT}from lic_bench.run.codec_process")
WAYS = (
    ("heap as it comes", AS_IT_COMES, False),
    ("heap drawn anew", ANEW, False),
    ("drawn anew, and alike", ANEW, True),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--turns", type=int, default=20)
    arguments = parser.parse_args()
    (image,) = find_dataset("sample", None, limit=1, crop=256).images
    small = next(spec for spec in add_plugin(TINY) if spec.name == "elic-tiny")
    for spec, quality in ((resolve_codec("jpeg"), 75), (small, 1)):
        for way, program, alike in WAYS:
            codec_process.PROGRAM = program
            differences = list(_differences(spec, quality, image, arguments.starts, arguments.turns, alike=alike))
            for operation, values in zip(("encode", "decode"), np.transpose(differences), strict=True):
                print(f"{spec.name}, {operation}, {way}: {_spread(100 * values)}", flush=True)


def _differences(
    spec: CodecSpec, quality: int, image: Image, starts: int, turns: int, *, alike: bool
) -> Iterator[Floats]:
    """After each start, of encoding and decoding: the difference of the floors of the logarithms of both's times."""
    for start in range(starts):
        setup = _setup(spec, f"draw {start}" if alike else "")
        with closing(CodecProcess(setup)) as one, closing(CodecProcess(setup)) as other:
            images = [_warm(process, quality, image) for process in (one, other)]
            times = np.log([[coded.turn()[-1] for coded in images] for _ in range(turns)])
        of_one, of_other = floor(times.transpose(1, 2, 0))
        yield of_other - of_one


def _warm(process: CodecProcess, quality: int, image: Image) -> RemoteImage:
    coded = process.encode(quality, image)
    coded.warm_up()
    return coded


def _setup(spec: CodecSpec, layout_seed: str) -> CodecSetup:
    parts, kept = frozenset(["latency"]), core_affinity.cores_for_threads(1)
    return CodecSetup(
        spec=spec, device="cpu", parts=parts, effort=Effort(), threads=1, cores=kept, layout_seed=layout_seed
    )


def _spread(percent: Floats) -> str:
    deviation = np.std(percent, ddof=1)
    return f"{percent.min():+.1f} to {percent.max():+.1f} %, standard deviation {deviation:.1f} %"


if __name__ == "__main__":
    main()
