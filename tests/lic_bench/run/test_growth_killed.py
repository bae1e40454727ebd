"""A run that is killed by SIGKILL while it grows: what was there stays, is reported, and the same command finishes."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import cli
from lic_bench.store.run_folder import Run

QUALITIES = 5  # of each codec
WAIT_S = 120.0


def words(images: Path, out: Path, codecs: str, qualities: str) -> list[str]:
    chosen = ["run", "--codecs", codecs, "--qualities", qualities, "--datasets", str(images), "--out", str(out)]
    return [*chosen, "--limit", "2", "--measure", "quality", "--device", "cpu"]


def kill_once_it_grows(command: list[str], records: Path) -> None:
    """Begin the run and kill it after its first new record."""
    before, end = records.stat().st_size, time.monotonic() + WAIT_S
    with subprocess.Popen(
        [sys.executable, "-m", "lic_bench.cli", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while records.stat().st_size == before and process.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -9


@pytest.mark.slow
def test_growth_is_killed_reported_and_finished(images: Path, tmp_path: Path, exit_code: Callable[..., int]) -> None:
    out, records = tmp_path / "run", tmp_path / "run/records.jsonl"
    assert exit_code(*words(images, out, "jpeg", "30,90")) == cli.OK
    old = records.read_bytes()
    larger = words(images, out, "jpeg,webp", f"30..{29 + QUALITIES}")
    kill_once_it_grows(larger, records)
    assert records.read_bytes().startswith(old)
    there = len(Run(out).records)
    assert 4 < there < 2 * (2 * QUALITIES + 1)
    report = ["report", out, "--published", "none", "--reference", "none", "--out", tmp_path / "report"]
    assert exit_code(*report) == cli.OK
    assert "webp" in (tmp_path / "report/index.html").read_text()
    assert exit_code(*larger) == cli.OK
    rows = Run(out).records
    assert records.read_bytes().startswith(old)
    assert len(rows) == len(records.read_text().splitlines()) == 2 * (2 * QUALITIES + 1)
    assert rows.groupby("codec").quality.nunique().to_dict() == {"jpeg": QUALITIES + 1, "webp": QUALITIES}
    assert set(rows.status) == {"ok"}
