import io

import pytest
from rich.console import Console

from lic_bench.images.image_file import Image
from lic_bench.run.jobs import Job
from lic_bench.run.scaling import JoinedListener
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


def test_what_a_cluster_does_is_live_in_a_terminal_only() -> None:
    said = "2 busy, 0 idle; 41 s: vvenc q37 kodak/kodim08.png"
    for terminal in (True, False):
        out = io.StringIO()
        progress = RunProgress(Console(file=out, force_terminal=terminal, width=100))
        progress.started([job("fast")], done=0)
        progress.working(said)
        progress.close()
        assert (said in out.getvalue()) == terminal


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


def watch_parts(parts: dict[str, tuple[int, int]], size: int = 3) -> list[str]:
    """The lines of a run of codecs with `size` pictures each. parts: codec -> how many are stored, how many to do."""
    jobs = [job(codec, image) for image in "abcdef"[:size] for codec in parts]
    out = io.StringIO()
    progress = RunProgress(Console(file=out, width=200))
    listener = JoinedListener(progress, jobs)
    for codec, (stored, count) in parts.items():
        todo = [each for each in jobs if each.spec.name == codec][stored : stored + count]
        listener.started(todo, stored)
        for each in todo:
            progress._last_line = float("-inf")  # every line, not one each two seconds
            listener.job(each)
            listener.record(each, record(each), 0.25)
    listener.note("end")
    return [line.partition(" q1")[0] for line in out.getvalue().splitlines()]


def test_parts_are_counted_as_a_whole() -> None:
    counts = [f"[{n}/6] {codec}" for n, codec in enumerate(["one"] * 3 + ["other"] * 3, 1)]
    assert watch_parts({"one": (0, 3), "other": (0, 3)}) == [*counts, "end"]


def test_parts_that_are_partly_stored_go_on_from_there() -> None:
    assert watch_parts({"one": (3, 0), "other": (1, 2)}) == [
        "resuming: 3 of 6 records are stored",
        "resuming: 4 of 6 records are stored",
        *("[5/6] other", "[6/6] other", "end"),
    ]


def test_a_part_with_less_to_do_makes_the_whole_smaller() -> None:
    lines = watch_parts({"one": (1, 1), "other": (0, 3)})  # of "one" a size is known to be beyond memory
    assert lines[0] == "resuming: 1 of 5 records are stored"
    assert [line for line in lines if line.startswith("[")] == [
        *("[2/5] one", "[3/5] other", "[4/5] other", "[5/5] other")
    ]
