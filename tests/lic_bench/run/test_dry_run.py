import json
from pathlib import Path

import pytest

from lic_bench.codecs.registry import resolve_codec
from lic_bench.images.image_file import Image
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.dry_run import DryRun, StoredTimes, job_seconds, plan_run, stored_times
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.session import Silent, run

REFERENCE = Path(__file__).parents[3] / "results/measured/kodak-times"
pytestmark = pytest.mark.usefixtures("fake_codecs")


def options(images: Path, out: Path, **changes: object) -> Options:
    given = {"codecs": "fake", "datasets": str(images), "out": out, "device": "cpu", "measure": "quality"}
    return Options(**(given | changes))


def planned(images: Path, out: Path, **changes: object) -> DryRun:
    return plan_run(options(images, out, **changes), [out])


def test_a_plan_tells_what_is_stored_and_measures_nothing(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert [(c.jobs, c.stored, c.seconds) for c in planned(images, out).codecs] == [(9, 0, None)]
    assert not out.exists()
    run(options(images, out, qualities=["4"], measure="latency", isolate=False, repeats=2), Silent())
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    same = planned(images, out, qualities=["4"], measure="latency", isolate=False, repeats=2).codecs
    assert [(c.jobs, c.stored, c.seconds) for c in same] == [(3, 3, 0)]
    (larger,) = planned(images, out, qualities=["2,4"]).codecs
    assert (larger.qualities, larger.jobs, larger.stored) == ((2, 4), 6, 0)
    assert larger.seconds is not None
    assert larger.seconds > 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_what_is_missing_is_said_of_each_and_the_rest_is_planned(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VTM_ROOT", raising=False)
    plan = planned(images, tmp_path / "run", codecs="fake,vtm", datasets=f"{images},{tmp_path / 'nowhere'}")
    assert [codec.codec for codec in plan.codecs] == ["fake", "vtm-9.1"]
    assert ["vtm-9.1" in text or "nowhere" in text for text in plan.missing] == [True, True]
    assert plan.codecs[0].jobs == 9


def test_a_run_that_cannot_grow_into_this_one_is_among_what_is_missing(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(options(images, out, qualities=["4"]), Silent())
    assert any("crop was None, now 8" in text for text in planned(images, out, qualities=["4"], crop=8).missing)
    assert planned(images, out, qualities=["4"], crop=8, fresh=True).missing == []


def test_weights_are_those_of_the_run(images: Path, tmp_path: Path) -> None:
    (codec,) = planned(
        images, tmp_path / "run", codecs="elic", qualities=["3"], checkpoints=None, weights="random"
    ).codecs
    assert codec.weights == {3: "random"}


def test_more_work_takes_more_time(tmp_path: Path) -> None:
    job = Job(resolve_codec("lalic"), 3, "d", Image(name="a", path=None, width=100, height=10, sha256=None))
    known = {3: StoredTimes(5e-4, 5e-4)}  # a second
    parts = [{"quality"}, {"quality", "memory"}, {"quality", "memory", "latency"}]
    parts += [{"quality", "memory", "latency", "phases"}]
    seconds = [job_seconds(job, known, frozenset(some), Effort()) for some in parts]
    assert seconds == pytest.approx([1.0007, 2.0007, 2.0007 + 3 + 4, 2.0007 + 3 + 4 + 4], abs=1e-4)
    assert job_seconds(job, {1: StoredTimes(5e-4, 5e-4)}, frozenset(), Effort()) == seconds[0]


def test_rounds_thrown_away_and_starts_take_time_too() -> None:
    job = Job(resolve_codec("lalic"), 3, "d", Image(name="a", path=None, width=100, height=10, sha256=None))

    def seconds(encode_s: float, decode_s: float, repeated: float = 0.0, starts: int = 1) -> float:
        times = StoredTimes(encode_s / 1000, decode_s / 1000, repeated)
        return job_seconds(job, {3: times}, frozenset({"latency"}), Effort(), starts) - 0.0007

    assert seconds(3.0, 3.0) == pytest.approx(6 + 3 * 6 + 6)  # one sample spends both budgets
    assert seconds(4.0, 0.1) == pytest.approx(4.1 + 3 * 4.1 + 5 * 4.1)  # the encoder's is spent, the decoder needs five
    assert seconds(0.01, 0.01) == pytest.approx(0.02 + 3 * 0.02 + 2 * 60 * 0.02)
    assert seconds(3.0, 3.0, repeated=2) == pytest.approx(seconds(3.0, 3.0) + 2 * 6)
    assert seconds(0.01, 0.01, repeated=2) == pytest.approx(seconds(0.01, 0.01) + 2 * 2 * 0.05)
    assert seconds(3.0, 3.0, starts=3) == pytest.approx(6 + 3 * (3 * 6 + 6) + 2 * 3)


def test_repeated_rounds_are_those_of_the_stored_runs() -> None:
    times = stored_times([REFERENCE], "cpu")["jpeg"]
    rows = [json.loads(line) for line in (REFERENCE / "records.jsonl").read_text().splitlines()]
    repeated = {row["quality"]: row["rounds_repeated"] for row in rows if row["codec"] == "jpeg"}
    assert {quality: of.repeated for quality, of in times.items()} == repeated
    assert max(repeated.values()) > 0


def test_what_takes_time_and_is_not_counted_is_said(images: Path, tmp_path: Path) -> None:
    changes = {"codecs": "fake,broken", "qualities": ["6"], "measure": "quality,latency", "isolate": True, "starts": 3}
    assert planned(images, tmp_path, **changes).uncounted == ["16 process starts"]  # 2 x 2, and 2 for each of 6 jobs
    assert planned(images, tmp_path, **(changes | {"isolate": False, "starts": None})).uncounted == []
    changes = {"codecs": "elic", "qualities": ["3"], "weights": "random", "measure": "all"}
    assert planned(images, tmp_path, **changes).uncounted == [
        "2 process starts",
        "loading weights",
        "counting operations",
    ]


def test_the_first_folder_with_times_of_a_codec_counts(images: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/records.jsonl").write_text("{\n")
    for name, quality in (("a", "4"), ("b", "2")):
        changes = {"measure": "latency", "isolate": False, "repeats": 2, "limit": 1}
        run(options(images, tmp_path / name, qualities=[quality], **changes), Silent())
    folders = [tmp_path / name for name in ("nowhere", "damaged", "a", "b")]
    assert stored_times(folders, "cpu").keys() == {"fake"}
    assert stored_times(folders, "cpu")["fake"].keys() == {4}
