"""Whether `lic-bench compare` can be believed: false alarms and missed slowdowns on this machine, counted.

    python benchmarks/compare_proof.py [--comparisons 50] [--drifts 10] [--out build/compare-proof.jsonl]

All runs are real `lic-bench run`s of two codecs (JPEG 2000 and a tiny LALIC, one of the built-in images, one thread;
each encodes and decodes in 4 to 22 ms), all comparisons real `lic-bench compare BASE NEW --confirm`s. What each found
is a line of --out, and the same command goes on where it stopped.
* A/A: 50 comparisons of neighbouring runs of the same code. WORSE is a false alarm; at most 1 in all.
* Slowdown: 50 comparisons with a run whose encoders take 5 % longer; WORSE for each in at least 45 of 50.
* Drift: 10 comparisons with runs on a machine that is 20 % slower as a whole, as another process takes its share of
  the core; WORSE is a false alarm; none. That the machine was slower is seen by the reference workload.
* Growth: in copies of a run one byte is added to one payload, or 1e-6 to one MSE, for every codec and image, alone and
  with twice as much taken from another image; all are to be WORSE.
Exit code 1 if one of these bounds is not kept.
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
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lic_bench.history.machine_name import machine_name
from lic_bench.machine import core_affinity

ROOT = Path(__file__).resolve().parent.parent
CODECS = ("slowed-jpeg2000", "slowed-lalic-tiny")
RUN = [
    *(sys.executable, "-m", "lic_bench.cli", "run"),
    *("--plugin", str(ROOT / "ci" / "tiny"), "--plugin", str(ROOT / "benchmarks" / "slowed")),
]
WORKLOAD = [
    *("--codecs", ",".join(CODECS), "--datasets", "sample", "--crop", "256", "--threads", "1", "--repeats", "10"),
]
SLOWDOWN = "1.05"
NICE = 7  # beside a process of nice 0 it gets 215 / (215 + 1024) of a core: that one takes 1.21 times as long
FALSE_ALARMS, DETECTED = 1, 0.9  # at most in all; at least, as a share
KEPT = ("codec", "metric", "verdict", "change", "low", "high", "starts")  # of a verdict
Rows = list[dict[str, Any]]


def main() -> int:
    """Measure what is lacking, compare, count."""
    arguments = _arguments()
    with TemporaryDirectory(prefix="compare-proof-") as folder:
        proof = Proof(arguments.out, Path(folder))
        for count in range(1, arguments.comparisons + 1):
            proof.compare("aa", count)
            proof.compare("slow", count, SLOWDOWN)
        for count in range(1, arguments.drifts + 1):
            proof.compare("drift", count)
        aa, slow, drift = (proof.of_kind(kind) for kind in ("aa", "slow", "drift"))
        for what in ("machine", "commit"):
            print(f"{what}: {', '.join(dict.fromkeys(str(line[what]) for line in [*aa, *slow, *drift]))}")
        exact = _new_run(Path(folder) / "quality", measure="quality", images=2)
        good = [_report_aa(aa), _report_slow(slow), _report_drift(drift), _report_growth(exact, Path(folder) / "grown")]
    return 0 if all(good) else 1


class Proof:
    """Makes comparisons, keeps each as a line of `out`; the base is the newest run in `folder` that is not slowed."""

    def __init__(self, out: Path, folder: Path) -> None:
        self._out, self._folder = out, folder
        self._comparisons: Rows = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
        self._base: Path | None = None

    def of_kind(self, kind: str) -> Rows:
        """What the comparisons of this kind gave, in order."""
        return [line for line in self._comparisons if line["kind"] == kind]

    def compare(self, kind: str, count: int, slowed: str = "1") -> None:
        """Make one more comparison of this kind, with a new run slowed by that factor, unless there are `count`."""
        if len(self.of_kind(kind)) >= count:
            return
        base = self._base or _new_run(self._folder / "base")
        with _slower_machine() if kind == "drift" else nullcontext():
            new = _new_run(self._folder / f"{kind}-{count}", slowed)
            comparison = _comparison_of(base, new, slowed)
        self._base = new if kind == "aa" else base
        self._keep(kind, comparison, json.loads((new / "run.json").read_text()))

    def _keep(self, kind: str, comparison: dict[str, Any], run: dict[str, Any]) -> None:
        line = {
            "kind": kind,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": str(run["environment"].get("git_commit"))[:12],
            "machine": machine_name(run["fingerprint"]),
            "reference_ratio": comparison["reference_ratio"],
            "verdicts": [
                {name: _rounded(verdict[name]) for name in KEPT}
                for verdict in comparison["verdicts"]
                if verdict["metric"].endswith("code_s") or verdict["verdict"] != "SAME"
            ],
        }
        self._comparisons.append(line)
        self._out.parent.mkdir(parents=True, exist_ok=True)
        with self._out.open("a") as file:
            file.write(f"{json.dumps(line)}\n")
        worse = [f"{verdict['codec']} {verdict['metric']}" for verdict in _worse_verdicts(line)]
        print(f"{kind} {len(self.of_kind(kind))}: WORSE {worse}", file=sys.stderr, flush=True)


def _report_aa(comparisons: Rows) -> bool:
    alarms = sum(bool(_worse_verdicts(comparison)) for comparison in comparisons)
    print(f"A/A: {len(comparisons)} comparisons, {alarms} with a false alarm; {_verdict_counts(comparisons)}")
    return alarms <= FALSE_ALARMS


def _report_slow(comparisons: Rows) -> bool:
    good = True
    for codec in CODECS:
        times = [_verdict_of(comparison, codec, "encode_s") for comparison in comparisons]
        hits = sum(verdict["verdict"] == "WORSE" for verdict in times)
        changes = sorted(verdict["change"] for verdict in times)
        print(f"5 % slower encoder, {codec}: found in {hits} of {len(comparisons)}; {_spread(changes)}")
        good &= hits >= DETECTED * len(comparisons)
    worse = [verdict for comparison in comparisons for verdict in _worse_verdicts(comparison)]
    others = sum(verdict["metric"] != "encode_s" for verdict in worse)
    print(f"  besides, {others} false alarms about what was not slowed; {_verdict_counts(comparisons)}")
    return good


def _report_drift(comparisons: Rows) -> bool:
    alarms = sum(len(_worse_verdicts(comparison)) for comparison in comparisons)
    ratios = sorted(comparison["reference_ratio"] - 1 for comparison in comparisons)
    print(f"Machine 20 % slower: {len(comparisons)} comparisons, {alarms} false alarms; {_verdict_counts(comparisons)}")
    print(f"  the reference workload took longer by: {_spread(ratios)}")
    return not alarms


def _report_growth(run: Path, folder: Path) -> bool:
    rows: Rows = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    tried = hits = 0
    for field, more in (("payload_bytes", 1), ("mse_8bit", 1e-6)):
        for number, row in enumerate(rows):
            (other,) = (at for at, candidate in enumerate(rows) if candidate["codec"] == row["codec"] and at != number)
            for changes in ({number: more}, {number: more, other: -2 * more}):
                worse = _worse_verdicts(_comparison_of(run, _changed_copy(run, folder, field, changes), confirm=False))
                tried += 1
                hits += [(v["codec"], v["metric"]) for v in worse] == [(row["codec"], field)]
    print(f"One byte more, or 1e-6 of MSE, in one image, alone or with two less in another: found in {hits} of {tried}")
    return hits == tried


def _changed_copy(run: Path, folder: Path, field: str, changes: dict[int, float]) -> Path:
    """A copy of the run with so much more in this field of the records of these numbers."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(run, folder)
    rows = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    for number, more in changes.items():
        rows[number][field] += more
    (folder / "records.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def _new_run(folder: Path, slowed: str = "1", measure: str = "latency", images: int = 1) -> Path:
    """A new run."""
    command = [*RUN, *WORKLOAD, "--limit", str(images), "--measure", measure, "--out", str(folder)]
    subprocess.run(command, env=_environment(slowed), check=True, capture_output=True)
    return folder


def _comparison_of(base: Path, new: Path, slowed: str = "1", *, confirm: bool = True) -> dict[str, Any]:
    """What `lic-bench compare` finds."""
    target = new / "compare.json"
    command = [sys.executable, "-m", "lic_bench.cli", "compare", str(base), str(new), "--json", str(target)]
    if confirm:
        run = " ".join(RUN)
        command += ["--confirm", "--base-run", f"env SLOWED=1 {run}", "--new-run", f"env SLOWED={slowed} {run}"]
    done = subprocess.run(command, env=_environment("1"), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(target.read_text())
    return result


def _rounded(value: Any) -> Any:
    """Numbers with 5 decimals, a thousandth of a per cent; lists of them too."""
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 5) if isinstance(value, float) else value


def _environment(slowed: str) -> dict[str, str]:
    return os.environ | {"SLOWED": slowed, "OMP_NUM_THREADS": "1"}


@contextmanager
def _slower_machine() -> Iterator[None]:
    """Another process takes its share of the core on which one thread's runs are kept."""
    kept = core_affinity.cores_for_threads(1) or core_affinity.usable_cores()
    busy = f"import os\nos.sched_setaffinity(0, {set(kept)})\nos.nice({NICE})\n"
    busy += f"while os.getppid() == {os.getpid()}:\n for _ in range(10**6): pass"
    with subprocess.Popen([sys.executable, "-c", busy]) as hog:
        try:
            yield
        finally:
            hog.send_signal(signal.SIGKILL)


def _worse_verdicts(comparison: dict[str, Any]) -> Rows:
    return [verdict for verdict in comparison["verdicts"] if verdict["verdict"] == "WORSE"]


def _verdict_of(comparison: dict[str, Any], codec: str, metric: str) -> dict[str, Any]:
    return next(v for v in comparison["verdicts"] if (v["codec"], v["metric"]) == (codec, metric))


def _verdict_counts(comparisons: Rows) -> str:
    times = [
        v["verdict"] for comparison in comparisons for v in comparison["verdicts"] if v["metric"].endswith("code_s")
    ]
    return ", ".join(f"{times.count(word)} {word}" for word in ("SAME", "AMBIGUOUS", "BETTER", "WORSE")) + " times"


def _spread(values: list[float]) -> str:
    if not values:
        return "not measured"
    low, middle, high = values[0], values[len(values) // 2], values[-1]
    return f"{low:+.1%} to {high:+.1%}, median {middle:+.1%}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=50)
    parser.add_argument("--drifts", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "compare-proof.jsonl")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
