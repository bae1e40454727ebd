"""Pictures from elsewhere become the records that a run of the same codec has."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.measuring import Score
from lic_bench.run import session
from lic_bench.run.decoded_elsewhere import measured_pairs
from lic_bench.run.decoded_elsewhere.measured_pairs import MetricsOptions, Outcome, find_pairs, measure_pairs
from lic_bench.run.decoded_elsewhere.metrics_choice import choose_metrics
from lic_bench.run.decoded_elsewhere.picture_pairs import Pair
from lic_bench.store.record_log import records_of
from lic_bench.store.records import ELSEWHERE, Record

Coded = Callable[[Path], Path]
SAME = ("codec", "quality", "dataset", "image", "image_sha256", "width", "height", "protocol")
SAME += ("mse_8bit", "psnr_db", "ms_ssim", "payload_bytes")


def nothing(*_: object) -> None: ...


def measured(options: MetricsOptions, stored: Callable[[Pair, int], None] = nothing) -> Outcome:
    return measure_pairs(find_pairs(options), options, choose_metrics(options.metrics, ()), stored)


@pytest.fixture
def options(originals: Path, coded: Coded, tmp_path: Path) -> MetricsOptions:
    coded(tmp_path)
    files = {"decoded": tmp_path / "decoded", "sizes": tmp_path / "sizes.csv", "out": tmp_path / "run"}
    return MetricsOptions(originals=str(originals), **files)


def lines(options: MetricsOptions) -> int:
    return len((options.out / "records.jsonl").read_text().splitlines())


def test_numbers_are_those_of_a_run_that_codes_the_same_bytes(options: MetricsOptions, tmp_path: Path) -> None:
    measured(options)
    asked: dict[str, Any] = {"codecs": "jpeg,webp", "qualities": ("20,50,75,90",), "datasets": options.originals}
    session.run(session.Options(**asked, out=tmp_path / "here", measure="quality"), session.Silent())

    def numbers(records: list[Record]) -> set[tuple[Any, ...]]:
        return {tuple(getattr(record, name) for name in SAME) for record in records}

    records = records_of(options.out)
    assert numbers(records) == numbers(records_of(tmp_path / "here"))
    assert len(records) == 16
    assert {(row.device, *row.parts, row.header_bytes, row.decoder, row.weights) for row in records} == {
        (ELSEWHERE, "quality", None, None, None)
    }
    with pytest.raises(UserError, match="was measured here; what was coded elsewhere needs another --out"):
        measured(replace(options, out=tmp_path / "here"))
    with pytest.raises(UserError, match="was coded elsewhere; what was measured here needs another --out"):
        session.run(session.Options(**asked, out=options.out, measure="quality"), session.Silent())


def test_a_run_grows_by_sizes_metrics_and_qualities_and_measures_nothing_twice(options: MetricsOptions) -> None:
    jpeg = replace(options, decoded=options.decoded / "jpeg", sizes=None)
    measured(jpeg)
    assert {(row.codec, row.payload_bytes) for row in records_of(options.out)} == {("jpeg", None)}
    measured(replace(options, metrics="psnr-hvs"))
    after = lines(options)
    assert after == 8 + 16
    measured(replace(options, metrics="psnr-hvs"))
    measured(jpeg)
    assert lines(options) == after
    records = records_of(options.out)
    assert all(row.payload_bytes and row.parts == ["quality", "perceptual"] for row in records)
    assert all([*row.perceptual] == [*row.perceptual_by] == ["psnr-hvs"] for row in records)
    config = json.loads((options.out / "run.json").read_text())["config"]
    assert (config["codecs"], config["measure"]) == (["jpeg", "webp"], ["quality", "perceptual"])


def test_a_stopped_run_goes_on(options: MetricsOptions) -> None:
    def stop(_: Pair, done: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(replace(options, metrics="psnr-hvs"), stop)
    assert lines(options) == 5
    measured(replace(options, metrics="psnr-hvs"))
    assert lines(options) == 16


def test_other_sizes_and_pictures_of_the_same_name_are_refused(options: MetricsOptions) -> None:
    measured(options)
    assert options.sizes
    text = options.sizes.read_text()
    size = text.splitlines()[1].rpartition(",")[2]
    options.sizes.write_text(text.replace(f",{size}\n", f",{int(size) + 1}\n", 1))
    with pytest.raises(UserError, match=rf"has {size} bytes of jpeg 20 picture1.png, now {int(size) + 1}"):
        measured(options)
    options.sizes.write_text(text)
    jpeg = options.decoded / "jpeg"
    (jpeg / "q90/picture1.png").replace(jpeg / "q75/picture1.png")
    with pytest.raises(UserError, match=r"decoded picture jpeg 75 picture1.png was '"):
        measured(options)
    measured(replace(options, fresh=True))
    assert len(records_of(options.out)) == 15


def test_only_values_that_there_are_not_are_stored_as_none(
    options: MetricsOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = {"ssimulacra2": "needs sides of 225 pixels, has 176", "psnr-hvs": "libvmaf failed"}
    scores = {name: Score(None, problem, failed=name == "psnr-hvs") for name, problem in problems.items()}
    monkeypatch.setattr(measured_pairs, "measure", lambda pictures, *_: [scores] * len(pictures))
    outcome = measured(replace(options, metrics="psnr-hvs,ssimulacra2"))
    assert outcome.undefined == {"ssimulacra2: needs sides of 225 pixels, has 176": 16}
    assert outcome.failed == {"psnr-hvs: libvmaf failed": 16}
    assert all(row.perceptual == {"ssimulacra2": None} for row in records_of(options.out))
