import io

import pytest
from rich.console import Console

from lic_bench.images.datasets import Image
from lic_bench.run.jobs import Job
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Record
from lic_bench.terminal.progress import RemainingTime, RunProgress, duration


def job(codec: str, image: str = "a") -> Job:
    spec = CodecSpec(name=codec, label=codec, kind="classical", load="x:y", qualities=(1,))
    return Job(spec, 1, "d", Image(name=image, path=None, width=10, height=8, sha256=None))


def record(job: Job, **changes: object) -> Record:
    values = {"codec": job.spec.name, "quality": 1, "dataset": "d", "image": job.image.name, "width": 10, "height": 8}
    return Record(**(values | {"status": "ok", "payload_bytes": 20, "psnr_db": 30.0, "encode_s": [0.5]} | changes))


def test_the_remaining_time_knows_slow_codecs_from_fast_ones() -> None:
    remaining = RemainingTime([job("slow"), job("slow"), job("fast"), job("fast"), job("fast")])
    assert remaining.seconds() is None
    remaining.add(job("fast"), 1.0)
    assert remaining.seconds() == 2 * 1.0 + 2 * 1.0
    remaining.add(job("slow"), 100.0)
    assert remaining.seconds() == 100.0 + 2 * 1.0


@pytest.mark.parametrize(("seconds", "text"), [(7.6, "8 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def watch(console: Console) -> None:
    jobs = [job("fast", "a"), job("fast", "b"), job("fast", "c")]
    progress = RunProgress(console)
    progress.started(jobs, done=2)
    for number, each in enumerate(jobs):
        progress.job(each)
        failed = {"status": "failed", "error": "no luck"} if number == 1 else {}
        progress.record(each, record(each, **failed), 0.25)
    progress.close()


def test_plain_lines_without_a_terminal() -> None:
    out = io.StringIO()
    watch(Console(file=out, force_terminal=False, width=200))
    lines = out.getvalue().splitlines()
    assert lines[0] == "resuming: 2 of 5 records are stored"
    assert lines[1] == "[3/5] fast q1 d/a: 2.000 bpp, 30.00 dB, enc 0.500 s  4.00 images/s, ETA 0 s"
    assert lines[2] == "FAILED fast q1 d/b: no luck"
    assert lines[3].startswith("[5/5] fast q1 d/c")
    assert "\x1b" not in out.getvalue()


def test_a_live_line_in_a_terminal() -> None:
    out = io.StringIO()
    watch(Console(file=out, force_terminal=True, width=120))
    assert "fast q1 d/c" in out.getvalue()
    assert "FAILED fast q1 d/b: no luck" in out.getvalue()


def test_names_are_no_markup() -> None:
    out = io.StringIO()
    progress = RunProgress(Console(file=out, force_terminal=True, width=120))
    progress.started([job("fast", "[/b].png")], done=0)
    progress.job(job("fast", "[/b].png"))
    progress.close()
    assert "d/[/b].png" in out.getvalue()


def test_random_weights_show_no_quality() -> None:
    out = io.StringIO()
    progress = RunProgress(Console(file=out, width=200))
    progress.started([job("net")], done=0)
    progress.record(job("net"), record(job("net"), weights="random"), 1.0)
    assert "[1/1] net q1 d/a: random weights, enc 0.500 s" in out.getvalue()
