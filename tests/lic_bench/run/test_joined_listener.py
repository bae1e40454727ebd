import io

from rich.console import Console

from lic_bench.images.datasets import Image
from lic_bench.run.jobs import Job
from lic_bench.run.scaling import JoinedListener
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Record
from lic_bench.terminal.progress import RunProgress


def job(codec: str, image: str = "a") -> Job:
    spec = CodecSpec(name=codec, label=codec, kind="classical", load="x:y", qualities=(1,))
    return Job(spec, 1, "d", Image(name=image, path=None, width=10, height=8, sha256=None))


def record(job: Job, **changes: object) -> Record:
    values = {"codec": job.spec.name, "quality": 1, "dataset": "d", "image": job.image.name, "width": 10, "height": 8}
    return Record(**(values | {"status": "ok", "payload_bytes": 20, "psnr_db": 30.0, "encode_s": [0.5]} | changes))


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
