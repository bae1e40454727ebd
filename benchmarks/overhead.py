"""What the bench itself costs: start-up of its light commands, and its own time per image beside the codec's.

    python benchmarks/overhead.py [--codec lalic] [--size 512x768] [--threads 1]

Own time: everything from the beginning of an image to its record that is not encoding, decoding, the estimated rate or
a metric, nor two instruments, which are parts of their own: the reference workload, by which the times are judged, and
giving freed memory back to the system, without which no peak of memory could be told. All but the former are clocked in
the codec's own process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TextIO

START_UP_LIMIT_S = 1.0  # typer alone takes 0.3 s of it, half of that for pydantic
OWN_LIMIT = 0.02
CALLS = "LIC_BENCH_OVERHEAD_CALLS"  # names the file to which a codec's process writes what it did
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


def clock_codec() -> None:
    """In the codec's process: append the seconds of each of its calls, and of each metric, to the file CALLS names."""
    from lic_bench.codecs import lazy_compressai

    lazy_compressai.install_lazy_imports()
    from lic_bench.codecs.network_codec import NetworkCodec
    from lic_bench.measurement import peak_memory, verified_coding

    log = Path(os.environ[CALLS]).open("a", buffering=1)  # noqa: SIM115  # lives as long as the process
    for name in ("compress", "decompress"):  # as they are timed: decoding delivers 8-bit pixels
        setattr(verified_coding.Pair, name, clocked(log, name, getattr(verified_coding.Pair, name)))
    NetworkCodec.estimate = clocked(log, "estimate", NetworkCodec.estimate)
    for name in ("ms_ssim", "mse_8bit", "max_abs_difference"):
        setattr(verified_coding, name, clocked(log, "metrics", getattr(verified_coding, name)))
    release = peak_memory._release_freed_memory
    peak_memory._release_freed_memory = clocked(log, "freed memory given back", release)


def clocked(log: TextIO, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The same call, which writes its name and its seconds to the log."""

    def written(*arguments: Any, **options: Any) -> Any:
        start = perf_counter()
        try:
            return call(*arguments, **options)
        finally:
            log.write(f"{name} {perf_counter() - start}\n")

    return written


class LastImage:
    """Watches a run: the seconds between the beginning and the record of its last image, and of what happened in it."""

    def __init__(self, calls: Path) -> None:
        self.calls = calls
        self.seconds: dict[str, float] = {}

    def started(self, jobs: Any, done: int) -> None: ...

    def note(self, text: str) -> None: ...

    def working(self, text: str) -> None: ...

    def job(self, job: Any) -> None:
        self.before = len(self.calls.read_text())
        self.start = perf_counter()

    def record(self, job: Any, record: Any, seconds: float) -> None:
        self.seconds = defaultdict(float, total=perf_counter() - self.start)
        assert record.status == "ok", record.error
        for line in self.calls.read_text()[self.before :].splitlines():
            name, _, spent = line.rpartition(" ")
            self.seconds[name] += float(spent)
        self.seconds |= {"one encode": median(record.encode_s), "one decode": median(record.decode_s)}


def own_time(codec: str, height: int, width: int, threads: int | None) -> dict[str, float]:
    """Seconds of the second of two images by where they went; the first one pays for loading and warm-up."""
    from PIL import Image

    from lic_bench.images.sample_pictures import draw_sample
    from lic_bench.measurement import rounds
    from lic_bench.run import codec_process
    from lic_bench.run.options import Options
    from lic_bench.run.session import run

    serve = "from lic_bench.run.codec_process import serve"
    assert serve in codec_process.PROGRAM
    codec_process.PROGRAM = codec_process.PROGRAM.replace(serve, f"import overhead; overhead.clock_codec(); {serve}")
    with tempfile.TemporaryDirectory() as folder:
        images, calls = Path(folder) / "images", Path(folder) / "calls"
        images.mkdir()
        calls.touch()
        os.environ[CALLS] = str(calls)
        rounds.Canary.read = clocked(calls.open("a", buffering=1), "reference workload", rounds.Canary.read)
        for seed in range(2):
            Image.fromarray(draw_sample(seed, height, width)).save(images / f"{seed}.png")
        out = Path(folder) / "run"
        options = Options(
            codecs=codec, datasets=str(images), out=out, measure="quality,latency,memory", threads=threads
        )
        run(options, watch := LastImage(calls))
    return watch.seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", default="lalic")
    parser.add_argument("--size", default="512x768", help="height x width")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    good = True
    for arguments in COMMANDS:
        seconds = start_up(arguments)
        good &= seconds < START_UP_LIMIT_S
        print(f"lic-bench {' '.join(arguments):15} {seconds:.3f} s (limit {START_UP_LIMIT_S} s)")
    height, width = map(int, options.size.split("x"))
    spent = own_time(options.codec, height, width, options.threads)
    total, coding = spent.pop("total"), spent.pop("one encode") + spent.pop("one decode")
    own = total - sum(spent.values())
    share = own / coding
    good &= share < OWN_LIMIT
    print(f"{options.codec} at {width} x {height}: " + ", ".join(f"{name} {s:.3f} s" for name, s in spent.items()))
    print(f"own time {own:.3f} s = {share:.1%} of one encode + decode, {coding:.3f} s (limit {OWN_LIMIT:.0%})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
