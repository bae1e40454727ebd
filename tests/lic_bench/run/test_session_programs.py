"""Whole runs with a codec that is another program: the cache, encoding ahead, failures, and being killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lic_bench.errors import UserError
from lic_bench.run.options import Options
from lic_bench.run.session import Outcome, run
from lic_bench.store.run_folder import Run

PLUGIN = Path(__file__).parents[2] / "plugins" / "scripted"


class Silent:
    """A Listener that keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def started(self, jobs: object, done: int) -> None: ...

    def working(self, text: str) -> None: ...

    def job(self, job: object) -> None: ...

    def record(self, job: object, record: object, seconds: float) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


def go(images: Path, out: Path, listener: Silent | None = None, **changes: object) -> Outcome:
    given = {
        "codecs": "scripted",
        "datasets": str(images),
        "out": out,
        "device": "cpu",
        "measure": "quality",
        "isolate": False,
    }
    return run(Options(**(given | changes)), listener or Silent())


def encodes(log: Path) -> list[int]:
    """The process numbers of the encoders that have begun."""
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_records_and_run_say_mode_and_version(scripted: Path, images: Path, tmp_path: Path) -> None:
    assert not go(images, tmp_path / "run").failed
    found = Run(tmp_path / "run")
    assert len(found.records) == 9
    assert set(found.records["mode"]) == {"rgb"}
    assert set(found.records.encoder_version) == {"1.0"}
    assert found.info["config"]["modes"] == {"scripted-1.0": "rgb"}
    assert found.info["fingerprint"]["programs"] == {"scripted-1.0": ["1.0"]}


def test_a_second_run_only_decodes(scripted: Path, images: Path, tmp_path: Path) -> None:
    go(images, tmp_path / "one")
    assert len(encodes(scripted)) == 9
    go(images, tmp_path / "two")
    assert len(encodes(scripted)) == 9
    one, two = (Run(tmp_path / name).records for name in ("one", "two"))
    assert one.equals(two)
    assert all(times == [] for times in one.encode_s)


@pytest.mark.slow
def test_times_are_those_of_real_encodes(scripted: Path, images: Path, tmp_path: Path) -> None:
    go(images, tmp_path / "quality", limit=1, qualities=("4",))
    go(images, tmp_path / "times", limit=1, qualities=("4",), measure="latency,memory", repeats=2)
    record = Run(tmp_path / "times").records.iloc[0]
    assert len(encodes(scripted)) >= 1 + 3 + 2
    assert len(record.encode_s) >= 2
    assert min(record.encode_s) > 0.005  # a Python starts in no less
    assert record.peak_memory_bytes.keys() == {"encode_children_rss", "decode_children_rss"}  # of the program alone
    assert min(record.peak_memory_bytes.values()) > 4e6  # a Python takes no less


def test_times_are_taken_one_at_a_time(scripted: Path, images: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--jobs 2: times and memory are taken one at a time; add --measure quality"):
        go(images, tmp_path / "run", measure="all", jobs=2)
    assert not (tmp_path / "run").exists()


def test_programs_encode_at_the_same_time(
    scripted: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_DO", "wait:3")  # none ends before three have begun
    assert not go(images, tmp_path / "run", jobs=3).failed
    assert len(Run(tmp_path / "run").records) == 9


def test_a_failing_program_is_a_failed_record(
    scripted: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_DO", "fail")
    outcome = go(images, tmp_path / "run")
    assert len(outcome.failed) == 9
    assert len(encodes(scripted)) == 9  # once each, ahead
    assert "ended with exit code 1: the coder's own words" in (outcome.failed[0].error or "")
    monkeypatch.delenv("SCRIPTED_DO")
    assert not go(images, tmp_path / "run", retry_failed=True).failed


def test_another_mode_or_version_is_another_run(
    scripted: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(images, tmp_path / "run", limit=1)
    with pytest.raises(UserError, match=r"modes scripted-1\.0 was 'rgb', now 'ycbcr8'"):
        go(images, tmp_path / "run", limit=1, vtm_colour="ycbcr8")
    monkeypatch.setenv("SCRIPTED_VERSION", "2.3")
    with pytest.raises(
        UserError, match=r"coder.py is Scripted 2.3, not 1.0\. `lic-bench doctor --verbose` says how to get it"
    ):
        go(images, tmp_path / "run", limit=1)
    assert not go(images, tmp_path / "new", limit=1, codecs="scripted-2.3").failed
    assert set(Run(tmp_path / "new").records.codec) == {"scripted-2.3"}
    assert set(Run(tmp_path / "new").records.encoder_version) == {"2.3"}


def test_an_option_that_no_codec_takes_is_refused(scripted: Path, images: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--vtm-root /x: no codec of --codecs scripted-1\.0 takes it"):
        go(images, tmp_path / "run", vtm_root=Path("/x"))
    with pytest.raises(UserError, match="--jobs 0: at least 1"):
        go(images, tmp_path / "run", jobs=0)


def test_jobs_without_a_program_are_said_to_have_no_effect(scripted: Path, images: Path, tmp_path: Path) -> None:
    with_program, without = Silent(), Silent()
    go(images, tmp_path / "one", with_program, limit=1, jobs=2)
    go(images, tmp_path / "two", without, limit=1, jobs=2, codecs="jpeg", qualities=("50",))
    assert without.notes == ["--jobs 2 has no effect: none of these codecs encodes by another program"]
    assert with_program.notes == []


def test_a_cache_that_cannot_be_written_is_said_before_anything_is_measured(
    scripted: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LIC_BENCH_CACHE", str(tmp_path / "file"))
    for measure in ("quality", "quality,complexity"):
        with pytest.raises(
            UserError, match=r"^Cannot write to the bitstream cache, .*/file/bitstreams: [^\n]*CACHE\.$"
        ):
            go(images, tmp_path / "run", measure=measure)
    assert not (tmp_path / "run").exists()
    assert encodes(scripted) == []
    timed = {"measure": "memory", "repeats": 1, "qualities": ("4",)}
    assert not go(images, tmp_path / "timed", limit=1, **timed).failed  # what is timed has no cache
    assert not go(images, tmp_path / "jpeg", limit=1, codecs="jpeg", qualities=("50",)).failed


def start(images: Path, tmp_path: Path, **environment: str) -> subprocess.Popen[bytes]:
    """`lic-bench run` as a process, two encoders at a time, its temporary files in tmp_path/temp."""
    (tmp_path / "temp").mkdir(exist_ok=True)
    argv = [str(Path(sys.executable).with_name("lic-bench")), "run", "--codecs", "scripted", "--plugin", str(PLUGIN)]
    argv += ["--datasets", str(images), "--out", str(tmp_path / "run"), "--measure", "quality", "--jobs", "2"]
    environment |= {"TMPDIR": str(tmp_path / "temp"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(argv, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def left_over(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "temp").glob("*/*") if path.name != ".lock"]


def test_a_killed_run_resumes_and_leaves_nothing(scripted: Path, images: Path, tmp_path: Path) -> None:
    killed = start(images, tmp_path, SCRIPTED_DO="stick:3")
    records = tmp_path / "run/records.jsonl"
    until(lambda: len(encodes(scripted)) == 5 and records.exists() and bool(records.read_text()))
    waiting = encodes(scripted)[3:]
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert left_over(tmp_path)
    until(lambda: all(map(gone, waiting)), 5)
    stored = records.read_text().splitlines()
    assert start(images, tmp_path).wait(120) == 0
    assert left_over(tmp_path) == []
    lines = records.read_text().splitlines()
    assert lines[: len(stored)] == stored
    assert len({(r["quality"], r["image"]) for r in map(json.loads, lines)}) == len(lines) == 9
    assert all(json.loads(line)["status"] == "ok" for line in lines)
    assert len(encodes(scripted)) == 9 + 2  # once each, but for the two under way when the run was killed


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_run_ends_its_programs_at_once(
    scripted: Path, images: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    running = start(images, tmp_path, SCRIPTED_DO="wait:1000")
    until(lambda: len(encodes(scripted)) == 2)
    running.send_signal(sent)
    assert running.wait(30) == code
    assert all(map(gone, encodes(scripted)))
    assert left_over(tmp_path) == []
    assert len(encodes(scripted)) == 2
