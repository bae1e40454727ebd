"""What the bench itself costs: start-up of its light commands, and its own time per image beside the codec's.

    python benchmarks/overhead.py [--codec lalic] [--size 512x768]

Own time: everything between two records that is not encode, decode, the estimated rate or a metric.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

START_UP_LIMIT_S = 0.5
OWN_LIMIT = 0.05
COMMANDS = (["--help"], ["list", "codecs"], ["list", "published"], ["report", "--help"])


def start_up(arguments: list[str], repeats: int = 9) -> float:
    """Median wall seconds of `lic-bench arguments`."""
    command = [str(Path(sys.executable).with_name("lic-bench")), *arguments]
    samples = []
    for _ in range(repeats):
        start = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        samples.append(perf_counter() - start)
    return median(samples)


def clocked(spent: dict[str, float], name: str, fn: Callable[..., Any]) -> Callable[..., Any]:
    """fn, with its seconds added to spent[name]."""

    def call(*arguments: Any, **options: Any) -> Any:
        start = perf_counter()
        try:
            return fn(*arguments, **options)
        finally:
            spent[name] += perf_counter() - start

    return call


def own_time(codec: str, height: int, width: int) -> dict[str, float]:
    """Seconds of the second of two images by where they went; the first one pays for loading and warm-up."""
    from PIL import Image

    from lic_bench.codecs.network_codec import NetworkCodec
    from lic_bench.images.sample_pictures import draw_sample
    from lic_bench.measurement import measure
    from lic_bench.run.jobs import Job
    from lic_bench.run.session import Options, run

    spent: dict[str, float] = defaultdict(float)
    for name in ("compress", "decompress", "estimate"):
        setattr(NetworkCodec, name, clocked(spent, name, getattr(NetworkCodec, name)))
    for name in ("ms_ssim", "mse_8bit", "max_abs_difference"):
        setattr(measure, name, clocked(spent, "metrics", getattr(measure, name)))

    class Watch:
        def started(self, jobs: Any, done: int) -> None: ...

        def note(self, text: str) -> None: ...

        def job(self, job: Job) -> None:
            spent.clear()
            self.start = perf_counter()

        def record(self, job: Job, record: Any, seconds: float) -> None:
            spent["total"] = perf_counter() - self.start
            assert record.status == "ok", record.error
            spent["one encode"], spent["one decode"] = median(record.encode_s), median(record.decode_s)

    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images"
        images.mkdir()
        for seed in range(2):
            Image.fromarray(draw_sample(seed, height, width)).save(images / f"{seed}.png")
        options = Options(
            codecs=codec, datasets=str(images), out=Path(folder) / "run", measure="quality,latency,memory"
        )
        run(options, Watch())
    return dict(spent)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", default="lalic")
    parser.add_argument("--size", default="512x768", help="height x width")
    options = parser.parse_args()
    good = True
    for arguments in COMMANDS:
        seconds = start_up(arguments)
        good &= seconds < START_UP_LIMIT_S
        print(f"lic-bench {' '.join(arguments):15} {seconds:.3f} s (limit {START_UP_LIMIT_S} s)")
    height, width = map(int, options.size.split("x"))
    spent = own_time(options.codec, height, width)
    total, coding = spent.pop("total"), spent.pop("one encode") + spent.pop("one decode")
    own = total - sum(spent.values())
    share = own / coding
    good &= share < OWN_LIMIT
    print(f"{options.codec} at {width} x {height}: " + ", ".join(f"{name} {s:.3f} s" for name, s in spent.items()))
    print(f"own time {own:.3f} s = {share:.1%} of one encode + decode, {coding:.3f} s (limit {OWN_LIMIT:.0%})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
