"""Throughput: which images make the batches, and whole runs that take it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.images.datasets import Dataset
from lic_bench.images.image_file import Image
from lic_bench.run.dry_run import plan_run
from lic_bench.run.options import Options
from lic_bench.run.session import Outcome, Silent, run
from lic_bench.run.throughput import IMAGES, images_of_batches, pictures_of_one_size
from lic_bench.store.run_folder import Run

FIELDS = ["codec", "batch", "images", "pictures", "status", "failure"]


def picture(number: int, width: int = 24, problem: str | None = None) -> Image:
    return Image(name=f"{number:03}", path=None, width=width, height=16, sha256=None, seed=number, problem=problem)


@pytest.fixture
def batched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module `batched`, whose networks are codecs."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "plugins" / "batched")
    yield
    sys.modules.pop("batched", None)


def options(images: Path, out: Path, codecs: str, **changes: object) -> Options:
    given = {"codecs": codecs, "datasets": str(images), "out": out, "device": "cpu", "measure": "throughput"}
    return Options(**(given | {"repeats": 2, "isolate": False, "budget": 0.01, "batch": "1,2"} | changes))


def go(images: Path, out: Path, codecs: str, **changes: object) -> Outcome:
    return run(options(images, out, codecs, **changes), Silent())


@given(st.integers(1, 40), st.integers(1, 40))
def test_batches_are_whole_and_of_the_same_pictures(count: int, batch: int) -> None:
    pictures = [picture(number) for number in range(count)]
    images = images_of_batches(pictures, batch)
    assert len(images) % batch == 0
    assert min(IMAGES, count) <= len(images) < min(IMAGES, count) + batch
    assert list(images[:count]) == pictures[: len(images)]
    assert set(images) <= set(pictures)


def test_the_most_frequent_size_counts_and_unusable_pictures_do_not() -> None:
    images = (picture(1, 8), picture(2), picture(3), picture(4, 8, "broken"), picture(5, 8, "broken"))
    assert [image.name for image in pictures_of_one_size(Dataset(name="d", images=images))] == ["002", "003"]
    assert pictures_of_one_size(Dataset(name="d", images=images[3:])) == []


@pytest.mark.usefixtures("batched", "fake_codecs")
def test_a_row_for_each_batch_and_a_classical_codec_has_batch_1(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    outcome = go(images, out, "batched:Batched,fake", qualities=["fake=4"], batch="4,1")
    assert outcome.failed_throughput == []
    rows = Run(out).throughput
    assert rows[FIELDS[:-1]].values.tolist() == [
        ["batched:Batched", 1, 2, 2, "ok"],
        ["batched:Batched", 4, 4, 2, "ok"],
        ["fake", 1, 2, 2, "ok"],
    ]
    assert (rows.height.tolist(), rows.width.tolist()) == ([16] * 3, [24] * 3)
    for row in rows.itertuples():
        assert len(row.encode_s) == len(row.decode_s) == len(row.canary_s) >= 1
    assert Run(out).records.empty


@pytest.mark.usefixtures("batched")
def test_the_same_command_measures_nothing_more_and_other_batches_are_added(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    go(images, out, "batched:Batched", batch="1")
    first = (out / "throughput.jsonl").read_text()
    (codec,) = plan_run(options(images, out, "batched:Batched", batch="1,2"), [out]).codecs
    assert (codec.jobs, codec.stored) == (2, 1)
    go(images, out, "batched:Batched", batch="1")
    assert (out / "throughput.jsonl").read_text() == first
    go(images, out, "batched:Batched", batch="2")
    assert (out / "throughput.jsonl").read_text().startswith(first)
    assert Run(out).throughput.batch.tolist() == [1, 2]
    assert Run(out).info["config"]["batch"] == [1, 2]


@pytest.mark.usefixtures("batched")
def test_a_run_goes_on_where_it_was_killed(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    go(images, out, "batched:Batched")
    first, _ = (out / "throughput.jsonl").read_text().splitlines(keepends=True)
    (out / "throughput.jsonl").write_text(f'{first}{{"codec": "batched:Bat')
    go(images, out, "batched:Batched")
    assert (out / "throughput.jsonl").read_text().startswith(first)
    assert Run(out).throughput[["batch", "status"]].values.tolist() == [[1, "ok"], [2, "ok"]]


@pytest.mark.usefixtures("batched")
def test_memory_that_runs_out_is_a_failed_row_and_the_rest_is_measured(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    outcome = go(images, out, "batched:Full,batched:Numbered", batch="2,4,8")
    assert [row.batch for row in outcome.failed_throughput] == [4, 8]
    rows = Run(out).throughput
    assert rows[["codec", "batch", "status", "failure"]].astype(object).where(rows.notna(), None).values.tolist() == [
        ["batched:Full", 2, "ok", None],
        ["batched:Full", 4, "failed", "out_of_memory"],
        ["batched:Full", 8, "failed", "not_tried"],
        *(["batched:Numbered", batch, "ok", None] for batch in (2, 4, 8)),
    ]
    assert rows.changed.tolist() == [[]] * 3 + [["image0.png", "image1.png"]] * 3


@pytest.mark.usefixtures("batched", "fake_codecs")
def test_codecs_in_processes_of_their_own_have_batches_and_records(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    outcome = go(images, out, "fake", qualities=["4"], measure="quality,throughput", isolate=True, limit=1)
    assert (outcome.failed, outcome.failed_throughput) == ([], [])
    assert Run(out).records.decoder.tolist() == ["process"]
    assert Run(out).throughput.batch.tolist() == [1]
