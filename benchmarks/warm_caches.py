"""What the others leave in the caches costs a codec whose turn it is, and so why most codecs work untimed first.

    python benchmarks/warm_caches.py [--turns 80]

JPEG, JPEG 2000 and small LALIC and ELIC networks (256 x 256 pixels, one thread) take turns on one core, each with
processes of two kinds: one that encodes and decodes untimed before each sample, and one that does not. See
Effort.warmed_s in lic_bench/measurement/stopwatch.py.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from math import inf
from pathlib import Path
from random import Random

import numpy as np

from lic_bench.codecs.registry import add_plugin, resolve_codec
from lic_bench.compare.statistics import floor
from lic_bench.images.datasets import find_dataset
from lic_bench.machine import core_affinity
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.codec_process import CodecProcess
from lic_bench.run.worker_interface import CodecSetup

TINY = Path(__file__).resolve().parent.parent / "ci" / "tiny"
WAYS = {"caches as they are": 0.0, "warm caches": inf}
SEED = 0  # of the order of turns


def main() -> None:
    """Measure and print the floors of the times, in ms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=80)
    turns = parser.parse_args().turns
    (image,) = find_dataset("sample", None, limit=1, crop=256).images
    specs = [resolve_codec("jpeg"), resolve_codec("jpeg2000"), *add_plugin(TINY)]
    with ExitStack() as stack:
        images = {}
        for spec in specs:
            for way, warmed_s in WAYS.items():
                effort = Effort(warmed_s=warmed_s, per_turn=1)
                setup = CodecSetup(
                    spec=spec, device="cpu", effort=effort, threads=1, cores=core_affinity.cores_for_threads(1)
                )
                process = stack.enter_context(closing(CodecProcess(setup)))
                coded = images[spec.name, way] = process.code(spec.qualities[0], image)
                coded.warm_up()
        order, times = Random(SEED), {key: [] for key in images}
        for _ in range(turns):
            for key in order.sample(list(images), len(images)):
                times[key] += images[key].turn()
    for (codec, way), samples in times.items():
        encode_ms, decode_ms = floor(1e3 * np.asarray(samples).T)
        print(f"{codec}, {way}: encoding {encode_ms:.2f} ms, decoding {decode_ms:.2f} ms")


if __name__ == "__main__":
    main()
