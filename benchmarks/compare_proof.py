"""Whether `lic-bench compare` can be believed: false alarms and missed slowdowns on this machine, counted.

    python benchmarks/compare_proof.py [--comparisons 50] [--drifts 10] [--out build/compare-proof]

All runs are real `lic-bench run`s of two codecs (JPEG 2000 and a small LALIC, one of the built-in images, one thread;
each encodes and decodes in 4 to 22 ms), all comparisons real `lic-bench compare BASE NEW --confirm`s; what was measured
is kept in --out, and the same command goes on where it stopped.
* A/A: 50 comparisons of neighbouring runs of the same code. WORSE is a false alarm; at most 1 in all.
* Slowdown: 50 comparisons with a run whose encoders take 5 % longer; WORSE for each in at least 45 of 50.
* Drift: 10 comparisons with runs on a machine that is 20 % slower as a whole, as another process takes its share of
  the core; WORSE is a false alarm; none. That the machine was slower is seen by the reference workload.
* Growth: in copies of stored runs one byte is added to one payload, or 1e-6 to one MSE, for every codec and image; all
  are to be WORSE.
Exit code 1: not so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lic_bench.machine import cores

ROOT = Path(__file__).resolve().parent.parent
CODECS = ("slowed-jpeg2000", "slowed-lalic-small")
RUN = [
    *(sys.executable, "-m", "lic_bench.cli", "run"),
    *("--plugin", str(ROOT / "ci" / "small"), "--plugin", str(ROOT / "benchmarks" / "slowed")),
]
WHAT = [
    *("--codecs", ",".join(CODECS), "--datasets", "sample", "--limit", "1", "--crop", "256"),
    *("--threads", "1", "--repeats", "10"),
]
SLOWDOWN = "1.05"
NICE = 7  # beside a process of nice 0 it gets 215 / (215 + 1024) of a core: that one takes 1.21 times as long
FALSE_ALARMS, FOUND = 1, 0.9


def main() -> int:
    """Measure what is lacking, compare, count."""
    arguments = _arguments()
    out: Path = arguments.out
    count: int = arguments.comparisons
    runs, aa, slow = [_measured(out / "runs" / "same-0")], [], []
    for n in range(count):
        runs.append(_measured(out / "runs" / f"same-{n + 1}"))
        aa.append(_compared(out / f"aa-{n}.json", runs[n], runs[n + 1]))
        slowed = _measured(out / "runs" / f"slow-{n}", SLOWDOWN)
        slow.append(_compared(out / f"slow-{n}.json", runs[n], slowed, SLOWDOWN))
    with _slower_machine() if arguments.drifts else _nothing():
        drifted = [_measured(out / "runs" / f"drift-{n}") for n in range(arguments.drifts)]
        drift = [_compared(out / f"drift-{n}.json", runs[n], run) for n, run in enumerate(drifted)]
    exact = _measured(out / "runs" / "quality", measure="quality")
    good = [_says_aa(aa), _says_slow(slow), _says_drift(drift), _says_growth(exact, out / "grown")]
    return 0 if all(good) else 1


def _says_aa(found: list[dict[str, Any]]) -> bool:
    alarms = sum(bool(_worse(comparison)) for comparison in found)
    print(f"A/A: {len(found)} comparisons, {alarms} with a false alarm; {_words(found)}")
    return alarms <= FALSE_ALARMS


def _says_slow(found: list[dict[str, Any]]) -> bool:
    good = True
    for codec in CODECS:
        times = [_one(comparison, codec, "encode_s") for comparison in found]
        hits = sum(verdict["verdict"] == "WORSE" for verdict in times)
        changes = sorted(verdict["change"] for verdict in times)
        print(f"5 % slower encoder, {codec}: found in {hits} of {len(found)}; {_spread(changes)}")
        good &= hits >= FOUND * len(found)
    others = sum(verdict["metric"] != "encode_s" for comparison in found for verdict in _worse(comparison))
    print(f"  besides, {others} false alarms about what was not slowed; {_words(found)}")
    return good


def _says_drift(found: list[dict[str, Any]]) -> bool:
    alarms = sum(len(_worse(comparison)) for comparison in found)
    ratios = sorted(comparison["reference_ratio"] - 1 for comparison in found)
    print(f"Machine 20 % slower: {len(found)} comparisons, {alarms} false alarms; {_words(found)}")
    if ratios:
        print(f"  the reference workload took longer by: {_spread(ratios)}")
    return not alarms


def _says_growth(run: Path, folder: Path) -> bool:
    tried = hits = 0
    for field, more in (("payload_bytes", 1), ("mse_8bit", 1e-6)):
        for number in range(len((run / "records.jsonl").read_text().splitlines())):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(run, folder)
            rows = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
            rows[number][field] += more
            (folder / "records.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
            worse = _worse(_compared(None, run, folder, confirm=False))
            tried += 1
            hits += [(v["codec"], v["metric"]) for v in worse] == [(rows[number]["codec"], field)]
    print(f"One byte more, or 1e-6 of MSE, in one image: found in {hits} of {tried}")
    return hits == tried


def _measured(folder: Path, slowed: str = "1", measure: str = "latency") -> Path:
    """The run, made now if it is not there."""
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = [*RUN, *WHAT, "--measure", measure, "--out", str(folder)]
        subprocess.run(command, env=_environment(slowed), check=True, capture_output=True)
        (folder / "done").touch()
        print(f"measured {folder.name}", file=sys.stderr, flush=True)
    return folder


def _compared(file: Path | None, base: Path, new: Path, slowed: str = "1", *, confirm: bool = True) -> dict[str, Any]:
    """What `lic-bench compare` finds, kept in `file`."""
    target = file or new / "compare.json"
    if file is None or not file.exists():
        command = [sys.executable, "-m", "lic_bench.cli", "compare", str(base), str(new), "--json", str(target)]
        if confirm:
            run = " ".join(RUN)
            command += ["--confirm", "--base-run", f"env SLOWED=1 {run}", "--new-run", f"env SLOWED={slowed} {run}"]
        done = subprocess.run(command, env=_environment("1"), capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stderr)
        if file:
            print(f"compared {file.stem}: {done.returncode}", file=sys.stderr, flush=True)
    found: dict[str, Any] = json.loads(target.read_text())
    return found


def _environment(slowed: str) -> dict[str, str]:
    return os.environ | {"SLOWED": slowed, "OMP_NUM_THREADS": "1"}


@contextmanager
def _slower_machine() -> Iterator[None]:
    """Another process takes its share of the core on which one thread's runs are kept."""
    kept = cores.for_threads(1) or cores.usable()
    busy = f"import os\nos.sched_setaffinity(0, {set(kept)})\nos.nice({NICE})\n"
    busy += f"while os.getppid() == {os.getpid()}:\n for _ in range(10**6): pass"
    with subprocess.Popen([sys.executable, "-c", busy]) as hog:
        try:
            yield
        finally:
            hog.send_signal(signal.SIGKILL)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _worse(comparison: dict[str, Any]) -> list[dict[str, Any]]:
    return [verdict for verdict in comparison["verdicts"] if verdict["verdict"] == "WORSE"]


def _one(comparison: dict[str, Any], codec: str, metric: str) -> dict[str, Any]:
    return next(v for v in comparison["verdicts"] if (v["codec"], v["metric"]) == (codec, metric))


def _words(found: list[dict[str, Any]]) -> str:
    times = [v["verdict"] for comparison in found for v in comparison["verdicts"] if v["metric"].endswith("code_s")]
    return ", ".join(f"{times.count(word)} {word}" for word in ("SAME", "AMBIGUOUS", "BETTER", "WORSE")) + " times"


def _spread(values: list[float]) -> str:
    low, middle, high = values[0], values[len(values) // 2], values[-1]
    return f"{low:+.1%} to {high:+.1%}, median {middle:+.1%}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=50)
    parser.add_argument("--drifts", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "compare-proof")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
