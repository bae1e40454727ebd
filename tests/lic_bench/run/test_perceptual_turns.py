"""Perceptual metrics in runs: of the pictures that were saved, whatever became of the run before."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lic_bench.errors import UserError
from lic_bench.images.image_file import read_pixels
from lic_bench.measurement.perceptual.measuring import measure
from lic_bench.run import perceptual_turns
from lic_bench.run.options import Options
from lic_bench.run.session import Outcome, Silent, run
from lic_bench.store.run_folder import Run
from lic_bench.store.saved_files import saved_path

METRICS = ("vif", "nlpd")


class Notes(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two pictures of 64x48 with detail."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        x, y = np.meshgrid(np.arange(64), np.arange(48))
        noise = np.random.default_rng(number).normal(0, 20, (48, 64, 3))
        pixels = 128 + 60 * np.sin(x / (3 + number))[..., None] * np.cos(y / 5)[..., None] + noise
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


def go(pictures: Path, **changes: Any) -> tuple[Outcome, Run, list[str]]:
    """jpeg at three qualities."""
    out = pictures.parent / "run"
    given = {"codecs": "jpeg", "qualities": ["20,50,80"], "datasets": str(pictures), "device": "cpu", "out": out}
    given |= {"measure": "quality,perceptual", "metrics": ",".join(METRICS), "jobs": 2}
    notes = Notes()
    outcome = run(Options(**(given | changes)), notes)
    return outcome, Run(out), notes.lines


def test_values_are_those_of_the_original_and_the_saved_picture(pictures: Path) -> None:
    outcome, stored, notes = go(pictures)
    assert (outcome.stored, outcome.failed) == (12, [])  # each record twice: coded, then measured
    assert len(stored.records) == 6
    for row in stored.records.itertuples():
        decoded = saved_path(stored.folder, "pictures", row.saved_picture)
        (scores,) = measure([(pictures / row.image, decoded)], METRICS)
        assert row.perceptual == {name: score.value for name, score in scores.items()}
        assert set(row.perceptual_by) == set(METRICS)
        assert all(text.startswith("lic-bench 0.") for text in row.perceptual_by.values())
        assert row.parts == ["quality", "pictures", "perceptual"]
    assert (
        stored.records.perceptual.map(lambda values: values["vif"])
        .groupby(stored.records.image)
        .is_monotonic_increasing.all()
    )
    assert "--measure perceptual sees the decoded pictures, which are kept: --save pictures" in notes
    assert notes[-1].startswith("perceptual metrics: 2 metrics of 6 pictures, in ")
    config = stored.info["config"]
    assert (config["metrics"], config["save"]) == (list(METRICS), ["pictures"])
    assert go(pictures)[0].stored == 0


def test_a_finished_run_grows_without_coding_again(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, before, _ = go(pictures, measure="quality", save="pictures", metrics=None, jobs=None)
    monkeypatch.setattr("lic_bench.run.image_turns.ImageTurns.measure", lambda *_: pytest.fail("coded again"))
    assert go(pictures, measure="perceptual", metrics="nlpd")[0].stored == 6
    outcome, after, _ = go(pictures, measure="perceptual", metrics="vif")
    assert outcome.stored == 6
    assert [*after.records.perceptual.map(set)] == [set(METRICS)] * 6
    for name in ("psnr_db", "bitstream_sha256", "saved_picture"):
        assert after.records[name].tolist() == before.records[name].tolist()


def test_a_picture_that_is_lost_fails_no_other(pictures: Path) -> None:
    _, stored, _ = go(pictures, measure="quality", save="pictures", metrics=None, jobs=None)
    lost, other = (saved_path(stored.folder, "pictures", name) for name in stored.records.saved_picture[:2])
    there = lost.read_bytes(), other.read_bytes()
    lost.unlink()
    Image.new("RGB", (64, 48)).save(other)
    outcome, grown, _ = go(pictures)
    assert len(outcome.failed) == 2
    assert all(record.error.startswith("no perceptual metrics: ") for record in outcome.failed if record.error)
    assert {
        bool(record.error and "is not the picture that the run saved" in record.error) for record in outcome.failed
    } == {*(True, False)}
    assert (grown.records.perceptual.map(len) > 0).sum() == 4
    assert (grown.records.status == "ok").all()
    lost.write_bytes(there[0])
    other.write_bytes(there[1])
    outcome, grown, _ = go(pictures)
    assert (outcome.stored, outcome.failed) == (2, [])


def test_what_was_measured_before_an_interruption_is_kept(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = perceptual_turns.measure_pair, []

    def interrupted(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(perceptual_turns, "measure_pair", interrupted)
    with pytest.raises(KeyboardInterrupt):
        go(pictures, jobs=1)
    assert (Run(pictures.parent / "run").records.perceptual.map(len) > 0).sum() == 2
    assert go(pictures)[0].stored == 4


def test_pictures_that_were_converted_are_what_the_codec_had(tmp_path: Path) -> None:
    folder = tmp_path / "grey"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)
    Image.fromarray(pixels).save(folder / "grey.png")
    _, stored, _ = go(folder, convert=True, metrics="nlpd", crop=32, qualities=["50"])
    (row,) = stored.records.itertuples()
    decoded = read_pixels(saved_path(stored.folder, "pictures", row.saved_picture))
    original = np.repeat(pixels[8:40, 16:48, None], 3, axis=2)
    (scores,) = measure([(original, decoded)], ["nlpd"])
    assert row.perceptual == {"nlpd": scores["nlpd"].value}


def test_a_metric_without_a_value_is_none_and_said(pictures: Path) -> None:
    _, stored, notes = go(pictures, metrics="nlpd,iw-ssim", qualities=["50"])
    assert stored.records.perceptual.map(lambda values: values["iw-ssim"]).tolist() == [None, None]
    assert "iw-ssim has no value: needs sides of 161 pixels, has 48 (2 pictures)" in notes


def test_equal_pictures_are_measured_once(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """jpeg's and its double's, and a lossless one's values are infinite, which is none."""
    calls: list[object] = []
    real: Callable[..., Any] = perceptual_turns.measure_pair
    monkeypatch.setattr(perceptual_turns, "measure_pair", lambda *given: calls.append(given) or real(*given))
    go(pictures, codecs="jpeg2000", qualities=["1500,1600"], metrics="psnr-hvs", limit=1)
    stored = Run(pictures.parent / "run").records
    assert len(calls) == stored.saved_picture.nunique()
    assert len(stored.perceptual) == 2


def test_records_of_another_commit_stay(pictures: Path) -> None:
    _, stored, _ = go(pictures, measure="quality", save="pictures", metrics=None, jobs=None)
    info = json.loads((stored.folder / "run.json").read_text())
    info["environment"]["git_commit"] = "another"
    (stored.folder / "run.json").write_text(json.dumps(info))
    with pytest.raises(UserError, match="cannot join them at another commit"):
        go(pictures, allow=("commit",))
