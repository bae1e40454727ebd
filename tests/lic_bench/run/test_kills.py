"""Runs that are killed at random moments, by SIGKILL: none of their records is lost or doubled, none of their processes
stays.

$LIC_BENCH_DRAWS: how many, 100 for instance; $LIC_BENCH_SEED: other ones.
"""

import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import psutil
import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
KILLS, SEED = (int(os.environ.get(f"LIC_BENCH_{name}", default)) for name, default in (("DRAWS", 2), ("SEED", 0)))
KINDS = ("hang", "encoding", "anywhen", "anywhen", "anywhen")  # one kind of kill after the other
LONGEST_S, GONE_S = 6.0, 5.0  # of a run before it is killed; of its processes after that
RECORDS = 3 * (3 + 2)  # images, qualities of both codecs


class Killed:
    """A run in `folder` that is begun, killed and begun again."""

    def __init__(self, images: Path, folder: Path, isolate: str) -> None:
        self.folder, self.isolate, self.mark = folder, isolate, uuid.uuid4().hex
        self.words = [sys.executable, "-m", "lic_bench.cli", "run", "--codecs", "scripted,stuck", "--device", "cpu"]
        self.words += ["--datasets", str(images), "--measure", "quality", "--out", str(folder / "run"), isolate]
        self.words += [word for name in ("scripted", "stuck") for word in ("--plugin", str(PLUGINS / name))]
        self.stored: list[str] = []
        for name in ("temp", "cache"):
            (folder / name).mkdir(parents=True)

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        environment |= {"KILL_MARK": self.mark, "TMPDIR": str(self.folder / "temp"), "OMP_NUM_THREADS": "1"}
        environment |= {"LIC_BENCH_CACHE": str(self.folder / "cache")}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(self.words, env=os.environ | environment, **quiet)

    def kill(self, kind: str, after_s: float) -> None:
        """Begin the run and kill it: once it hangs in C, once its encoders have begun, or so many seconds later."""
        sign = self.folder / f"{kind}-sign"
        sign.unlink(missing_ok=True)
        waits_for = {"hang": {"STUCK": str(sign)}, "encoding": {"SCRIPTED_DO": "wait:9999", "SCRIPTED_LOG": str(sign)}}
        with self.start(**waits_for.get(kind, {})) as process:
            end = time.monotonic() + (60 if kind in waits_for else after_s)
            while not sign.exists() and time.monotonic() < end and process.poll() is None:
                time.sleep(0.02)
            time.sleep(after_s / LONGEST_S if kind in waits_for else 0)
            had_ended = process.poll() is not None
            process.kill()
        assert kind not in waits_for or had_ended or sign.exists()
        self.check()

    def check(self) -> None:
        """No process is left, and every record that there was is there."""
        end = time.monotonic() + GONE_S
        while (left := self.processes()) and time.monotonic() < end:
            time.sleep(0.05)
        assert not left
        path = self.folder / "run/records.jsonl"
        whole = (
            [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
            if path.exists()
            else []
        )
        assert whole[: len(self.stored)] == self.stored
        self.stored = whole

    def processes(self) -> list[list[str]]:
        """Command lines of what was started by the run and by what it started."""
        left = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("KILL_MARK") == self.mark:
                    left.append(process.cmdline())
            except psutil.Error:
                continue
        return left

    def finish(self) -> None:
        """Let the run come to its end."""
        with self.start() as process:
            assert process.wait(300) == 0
        self.check()
        records = [json.loads(line) for line in self.stored]
        assert {record["status"] for record in records} == {"ok"}
        times = Counter((r["codec"], r["quality"], r["image"]) for r in records)
        assert (len(times), set(times.values())) == (RECORDS, {1})


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_left(images: Path, tmp_path: Path) -> None:
    draw = random.Random(SEED)
    runs = [Killed(images, tmp_path / isolate, isolate) for isolate in ("--isolate", "--no-isolate")]
    for number in range(KILLS):
        kind, run = KINDS[number % len(KINDS)], draw.choice(runs)
        run.kill(kind, draw.uniform(0, LONGEST_S))
        if len(run.stored) > RECORDS // 2:
            run.finish()
            runs[runs.index(run)] = Killed(images, tmp_path / str(number), run.isolate)
    for run in runs:
        if run.stored:
            run.finish()
