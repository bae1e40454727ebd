from pathlib import Path

import pytest

from lic_bench.codecs.registry import resolve_codec
from lic_bench.images.image_file import Image
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.dry_run import DryRun, job_seconds, plan_run, seconds_per_pixel
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.session import Silent, run

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
    known = {3: 1e-3}  # a second
    parts = [{"quality"}, {"quality", "memory"}, {"quality", "memory", "latency"}]
    parts += [{"quality", "memory", "latency", "phases"}]
    seconds = [job_seconds(job, known, frozenset(some), Effort()) for some in parts]
    assert seconds == pytest.approx([1.0007, 2.0007, 2.0007 + 3 + 4, 2.0007 + 3 + 4 + 4], abs=1e-4)
    assert job_seconds(job, {1: 1e-3}, frozenset(), Effort()) == seconds[0]


def test_the_first_folder_with_times_of_a_codec_counts(images: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/records.jsonl").write_text("{\n")
    for name, quality in (("a", "4"), ("b", "2")):
        changes = {"measure": "latency", "isolate": False, "repeats": 2, "limit": 1}
        run(options(images, tmp_path / name, qualities=[quality], **changes), Silent())
    folders = [tmp_path / name for name in ("nowhere", "damaged", "a", "b")]
    assert seconds_per_pixel(folders, "cpu").keys() == {"fake"}
    assert seconds_per_pixel(folders, "cpu")["fake"].keys() == {4}
