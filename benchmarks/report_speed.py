"""How long `lic-bench report` takes, and how much memory, on made-up runs of two sizes.

    python benchmarks/report_speed.py [--only small] [--formats html,md] [--json FILE]

Every record has what `run` writes, five samples of each time, in the small run also those by phase of learned codecs.
CPU seconds are user and system time of the process; they say more than wall seconds where others use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_json import write_run_json

LEARNED = ("lalic", "elic", "tcm-large", "mlic-plus-plus", "minnen2020", "fat", "mambavc", "cheng2020-parallel")
CLASSICAL = ("jpeg", "webp", "avif", "jpeg-xl", "jpeg2000", "vvenc", "hevc", "bpg")
PHASES = ("g_a", "h_a", "h_s", "context 1", "context 2", "context 3", "entropy coder", "other", "total")
SAMPLES = 5
SEED = 0


@dataclass(frozen=True)
class Size:
    """A run: codecs of each kind, qualities of a codec, data set -> images; the limits of wall time and of memory.

    phases: whether learned codecs have times by phase.
    """

    codecs: int
    qualities: int
    images: dict[str, int]
    phases: bool
    limit_s: float
    limit_mb: float

    @property
    def names(self) -> list[str]:
        return [*LEARNED[: self.codecs], *CLASSICAL[: self.codecs]]


SIZES = {
    "small": Size(4, 6, {"kodak": 24, "clic": 41, "tecnick": 100}, True, 8, 700),
    "large": Size(8, 6, {"photographs": 1000}, False, 15, 700),
}


def write_run(folder: Path, size: Size) -> int:
    """Write a run of this size; the number of its records."""
    folder.mkdir()
    config = {"codecs": size.names, "datasets": list(size.images), "images": size.images, "device": "cpu"}
    qualities = {name: list(range(1, size.qualities + 1)) for name in size.names}
    config |= {"qualities": qualities, "measure": ["quality", "latency", "phases", "memory"], "threads": 1}
    environment = {"cpu": "Example CPU", "memory_bytes": 2**34, "lic_bench": "0.1.0"}
    pictures = {f"{name}/{_name(i)}": _sha256(i) for name, count in size.images.items() for i in range(count)}
    info = {"schema": 10, "config": config, "environment": environment, "fingerprint": {"cpu": "Example CPU"}}
    write_run_json(folder / "run.json", info | {"images": pictures, "warnings": []})
    count = 0
    with (folder / "records.jsonl").open("w") as file:
        for count, record in enumerate(_records(size), 1):  # noqa: B007  # the last count is returned
            file.write(f"{json.dumps(asdict(record))}\n")
    with (folder / "complexity.jsonl").open("w") as file:
        for codec in LEARNED[: size.codecs]:
            row = Complexity(
                codec=codec,
                quality=3,
                width=768,
                height=512,
                counter="exact",
                path="forward",
                macs=286 * 10**9,
                parameters=63_000_000,
            )
            file.write(f"{json.dumps(asdict(row))}\n")
    return count


def _name(image: int) -> str:
    return f"im{image:04}.png"


def _sha256(what: object) -> str:
    return sha256(repr(what).encode()).hexdigest()


def _records(size: Size) -> Iterator[Record]:
    random = Random(SEED)
    for place, codec in enumerate(size.names):
        for dataset, count in size.images.items():
            for image in range(count):
                detail = random.uniform(0.5, 2.0)
                for quality in range(1, size.qualities + 1):
                    yield _record(random, codec, dataset, image, quality, detail * (1 + 0.04 * place), size.phases)


def _record(random: Random, codec: str, dataset: str, image: int, quality: int, cost: float, phases: bool) -> Record:
    learned = codec in LEARNED
    width, height = (1200, 1200) if dataset == "tecnick" else (768, 512) if image % 4 else (512, 768)
    bpp = cost * 0.06 * 1.7**quality * random.uniform(0.98, 1.02)
    psnr_db = 27.0 + 1.9 * quality - cost + random.uniform(-0.05, 0.05)
    identity: dict[str, Any] = {"codec": codec, "quality": quality, "dataset": dataset, "image": _name(image)}
    identity |= {"width": width, "height": height, "image_sha256": _sha256(image)}
    identity |= (
        {"weights": _sha256((codec, quality)), "kernels": "cpu", "entropy_coder": "rans (native)"} if learned else {}
    )
    return Record(
        **identity,
        status="ok",
        encoder_version=None if learned else "libexample 1.2.3",
        payload_bytes=round(bpp * width * height / 8),
        header_bytes=20 if learned else 0,
        bitstream_sha256=_sha256((codec, quality, dataset, image)),
        bpp_estimated=0.99 * bpp if learned else None,
        mse_8bit=255**2 / 10 ** (psnr_db / 10),
        psnr_db=psnr_db,
        ms_ssim=1 - 0.1 / 1.6**quality,
        decode_mse=0.0,
        decode_max_abs=0,
        decoder="process",
        encode_s=_samples(random, 0.3 * quality),
        decode_s=_samples(random, 0.2 * quality),
        cold_start_s={"encode": 1.1, "decode": 1.3},
        canary_s=_samples(random, 0.014),
        starts=[0] * SAMPLES,
        phases_s=_phases(random) if learned and phases else {},
        peak_memory_bytes=_memory(random, learned=learned),
        conditions=_conditions(random),
        parts=["quality", "latency", "phases", "memory"],
    )


def _samples(random: Random, seconds: float) -> list[float]:
    return [seconds * random.uniform(0.95, 1.2) for _ in range(SAMPLES)]


def _phases(random: Random) -> dict[str, list[float]]:
    names = [f"{operation}/{phase}" for operation in ("encode", "decode") for phase in PHASES]
    return {name: _samples(random, 2.0 if name.endswith("total") else 0.2) for name in names}


def _memory(random: Random, *, learned: bool) -> dict[str, int]:
    peaks = {f"{name}_rss": random.randrange(10**9, 2 * 10**9) for name in ("encode", "decode")}
    peaks |= {f"{name}_rss_growth": random.randrange(10**8, 10**9) for name in ("encode", "decode")}
    return ({"weights": 253_000_000} if learned else {}) | peaks


def _conditions(random: Random) -> Any:
    shares = {f"cpu_{name}_share": random.uniform(0, 0.02) for name in ("others", "steal", "waited")}
    counted = {"seconds": random.uniform(1, 9), "readings": 24, "cpu_own_s": random.uniform(1, 9)}
    return counted | shares | {"major_faults": 0, "swapped_pages": 0, "load_1m": [1.1, 1.3]}


def measure_report(run: Path, out: Path, formats: str | None) -> dict[str, float]:
    """Wall and CPU seconds, peak resident memory in MB, bytes and number of the files written."""
    command = [str(Path(sys.executable).with_name("lic-bench")), "report", str(run), "--out", str(out)]
    command += ["--formats", formats] if formats else []
    start = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    files = [path for path in out.rglob("*") if path.is_file()]
    return {
        "wall_s": perf_counter() - start,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss * 1024 / 1e6,
        "files": len(files),
    }


def main() -> int:
    """Measure and print; 1 where a limit of wall time or memory is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SIZES)
    parser.add_argument("--formats", help="as for lic-bench report")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write runs and reports there, and leave them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    good, rows = True, {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(exist_ok=True, parents=True)
        for name in [options.only] if options.only else SIZES:
            size, run = SIZES[name], folder / name
            count = write_run(run, size)
            row = measure_report(run, folder / f"{name}-report", options.formats)
            good &= row["wall_s"] <= size.limit_s and row["peak_mb"] <= size.limit_mb
            rows[name] = {"records": count, "run_mb": (run / "records.jsonl").stat().st_size / 1e6, **row}
            seconds = f"{row['wall_s']:.1f} s (limit {size.limit_s:g} s), CPU {row['cpu_s']:.1f} s"
            memory = f"{row['peak_mb']:.0f} MB (limit {size.limit_mb:g} MB)"
            print(f"{count} records, {len(size.names)} codecs: {seconds}, {memory}, {row['files']} files", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
