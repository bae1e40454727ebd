"""Searching a quality by size: against trying all of them, and in runs that fail, resume and grow."""

import json
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.pixels import to_tensor
from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import read_image
from lic_bench.run.matched_sizes import nearest_quality
from lic_bench.run.options import Options
from lic_bench.run.preparation import prepare_session
from lic_bench.run.session import Outcome, Silent, run
from lic_bench.spec import CodecSpec
from lic_bench.store.run_folder import Run


class Notes(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def options(out: Path, **changes: Any) -> Options:
    """webp at quality 50, whose sizes jpeg is to meet, on a central crop of a built-in photograph."""
    usual = {"codecs": "webp,jpeg", "datasets": "sample", "limit": 1, "crop": 96, "measure": "quality"}
    usual |= {"qualities": ["webp=50"], "match": "webp:50", "device": "cpu"}
    return Options(out=out, **(usual | changes))


def go(out: Path, **changes: Any) -> tuple[Outcome, list[str]]:
    notes = Notes()
    return run(options(out, **changes), notes), notes.lines


def spec_of(grows: bool, **changes: Any) -> CodecSpec:
    ladder = (10, 50, 90) if grows else (90, 50, 10)
    usual = {"name": "made", "label": "Made", "kind": "classical", "load": "made:load", "paper": "", "source": ""}
    return CodecSpec(**(usual | {"licence": "", "qualities": ladder, "quality_range": (1, 100)} | changes))


@given(st.lists(st.integers(1, 10**6), min_size=100, max_size=100), st.integers(1, 10**6), st.booleans())
def test_no_quality_has_a_nearer_size(sizes: list[int], wanted: int, grows: bool) -> None:
    sizes.sort(reverse=not grows)
    asked: list[int] = []

    def size_of(quality: int) -> int:
        asked.append(quality)
        return sizes[quality - 1]

    found = nearest_quality(spec_of(grows), wanted, size_of)
    assert abs(log(sizes[found - 1] / wanted)) == min(abs(log(size / wanted)) for size in sizes)
    assert len(asked) == len(set(asked)) <= 9  # 7 halvings of 100, and both ends of the ladder


def test_a_codec_without_a_range_is_searched_over_its_ladder() -> None:
    sizes = {10: 100, 50: 200, 90: 300}
    assert nearest_quality(spec_of(True, quality_range=None), 190, sizes.__getitem__) == 50
    assert nearest_quality(spec_of(True, quality_range=None), 9, sizes.__getitem__) == 10
    assert nearest_quality(spec_of(False, quality_range=None), 9999, sizes.__getitem__) == 90


def test_a_run_measures_the_nearest_of_all_qualities(tmp_path: Path) -> None:
    outcome, notes = go(tmp_path / "run")
    assert outcome.failed == []
    rows = {row.codec: row for row in Run(tmp_path / "run").records.itertuples()}
    assert set(rows) == {"webp", "jpeg"}
    dataset = find_dataset("sample", None, limit=1, crop=96)
    x = to_tensor(read_image(dataset.images[0]))
    spec, wanted = resolve_codec("jpeg"), rows["webp"].payload_bytes
    codecs = (load_codec(spec, quality, None, torch.device("cpu")).codec for quality in range(1, 101))
    nearest = min(abs(log(len(codec.compress(x).payload) / wanted)) for codec in codecs)
    assert abs(log(rows["jpeg"].payload_bytes / wanted)) == pytest.approx(nearest)
    off = abs(rows["jpeg"].payload_bytes / wanted - 1)
    assert notes[-1] == f"webp:50: jpeg is off by {off:.1%} of the size on average, at most {off:.1%}; images: 1"


def test_the_same_command_resumes_and_a_larger_one_grows(tmp_path: Path) -> None:
    file = tmp_path / "run" / "records.jsonl"
    go(tmp_path / "run", limit=2)
    whole = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(whole[:-1]))
    assert go(tmp_path / "run", limit=2)[0].stored == 1
    assert len(file.read_bytes().splitlines()) == len(whole) == 4
    assert go(tmp_path / "run", limit=2)[0].stored == 0
    go(tmp_path / "run", limit=2, qualities=["webp=50,90"], match="webp:90")
    run = Run(tmp_path / "run")
    assert run.info["config"]["match"] == ["webp:50", "webp:90"]
    assert run.records.codec.value_counts().to_dict() == {"webp": 4, "jpeg": 4}


def test_times_come_to_the_matched_records(tmp_path: Path) -> None:
    go(tmp_path / "run")
    outcome, _ = go(tmp_path / "run", measure="latency", repeats=1, budget=0.01, isolate=False)
    assert outcome.failed == []
    records = Run(tmp_path / "run").records
    assert len(records) == 2
    assert all(records.encode_s.map(len))
    assert records.psnr_db.notna().all()


@pytest.mark.usefixtures("fake_codecs")
def test_a_codec_that_fails_in_the_search_is_a_failed_record(images: Path, tmp_path: Path) -> None:
    given = {"codecs": "fake,broken,jpeg", "datasets": str(images), "limit": 2, "crop": None}
    given |= {"qualities": ["fake=4"], "match": "fake:4"}
    outcome, notes = go(tmp_path / "run", **given)
    assert [(row.codec, row.quality) for row in outcome.failed] == [("broken", 5), ("broken", 5)]
    assert "weights are on strike" in str(outcome.failed[0].error)
    assert any(line == "fake:4: broken found none" for line in notes)
    assert Run(tmp_path / "run").records.status.value_counts().to_dict() == {"ok": 4, "failed": 2}
    again, _ = go(tmp_path / "run", **given)
    assert (again.stored, len(again.failed)) == (0, 2)


@pytest.mark.usefixtures("fake_codecs")
def test_an_image_that_the_target_lacks_is_not_searched(images: Path, tmp_path: Path) -> None:
    given = {"codecs": "broken,jpeg", "datasets": str(images), "limit": 1, "crop": None}
    outcome, notes = go(tmp_path / "run", **given, qualities=["broken=1"], match="broken:1")
    assert [row.codec for row in outcome.failed] == ["broken"]
    assert notes[-1] == "broken:1: jpeg found none"
    assert set(Run(tmp_path / "run").records.codec) == {"broken"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"match": "webp"}, "--match webp: write CODEC:QUALITY"),
        ({"match": "webp:high"}, "--match webp:high: write CODEC:QUALITY"),
        ({"match": ","}, "--match is empty"),
        ({"match": "avif:50"}, "'avif' is not among --codecs webp,jpeg; add it"),
        ({"match": "webp:51"}, "this quality is not measured, but 50; add --qualities webp=51"),
        ({"codecs": "webp"}, "of --codecs webp no classical one is left"),
        (
            {"codecs": "elic,jpeg", "qualities": ["elic=3"], "match": "elic:3", "weights": "random"},
            "random weights have sizes that mean nothing",
        ),
    ],
)
def test_bad_input_is_one_line(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        prepare_session(options(tmp_path, **changes))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_measurements_of_another_commit_join_no_record_that_may_be_found(tmp_path: Path) -> None:
    go(tmp_path / "run")
    file = tmp_path / "run" / "run.json"
    info = json.loads(file.read_text())
    info["environment"]["git_commit"] = "another"
    file.write_text(json.dumps(info))
    records = tmp_path / "run" / "records.jsonl"
    before = records.read_bytes()
    with pytest.raises(UserError, match="cannot join them at another commit"):
        go(tmp_path / "run", measure="memory", isolate=False, allow=("commit",))
    assert records.read_bytes() == before
