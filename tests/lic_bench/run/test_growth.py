"""A run grows: the same folder is given again with more codecs, qualities, images and measurements."""

import json
import sys
from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.run.options import Options
from lic_bench.run.session import OTHER_BYTES, Outcome, Silent, run
from lic_bench.store.run_folder import Run

pytestmark = pytest.mark.usefixtures("fake_codecs")


def go(images: Path, out: Path, **changes: object) -> Outcome:
    given = {"codecs": "fake", "datasets": str(images), "out": out, "device": "cpu", "measure": "quality", "repeats": 2}
    return run(Options(**(given | changes)), Silent())


def test_codecs_qualities_and_images_are_added_to_what_is_there(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert go(images, out, limit=1, qualities=["4"]).stored == 1
    first = (out / "records.jsonl").read_text()
    assert go(images, out, limit=2, qualities=["4"]).stored == 1
    assert go(images, out, limit=2, qualities=["2,4"]).stored == 2
    assert go(images, out, codecs="broken", qualities=["6"]).stored == 3
    assert go(images, out, codecs="fake,broken", qualities=["fake=2,4", "broken=6"]).stored == 2
    assert (out / "records.jsonl").read_text().startswith(first)
    stored = Run(out)
    assert len(stored.records) == len((out / "records.jsonl").read_text().splitlines()) == 9
    config = stored.info["config"]
    assert (config["codecs"], config["images"], config.get("limit")) == (["fake", "broken"], {"pictures": 3}, None)
    assert config["qualities"] == {"fake": [4, 2], "broken": [6]}


def test_times_join_the_records_of_quality_and_cost_no_second_quality(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    go(images, out, qualities=["4"])
    quality = Run(out).records.set_index("image")
    assert go(images, out, qualities=["4"], measure="latency,memory", isolate=False).stored == 3
    joined = Run(out).records.set_index("image")
    for name in ("psnr_db", "mse_8bit", "bitstream_sha256", "payload_bytes", "decoder"):
        assert joined[name].tolist() == quality[name].tolist()
    assert all(len(samples) >= 2 for samples in joined.encode_s)
    assert [row["encode_rss"] > 0 for row in joined.peak_memory_bytes] == [True] * 3
    assert joined.parts.tolist() == [["quality", "latency", "memory"]] * 3
    assert go(images, out, qualities=["4"], measure="quality,latency,memory", isolate=False).stored == 0


def test_a_measurement_in_vain_leaves_what_was_measured(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, broken = tmp_path / "run", {"codecs": "broken", "qualities": ["6"], "limit": 1}
    go(images, out, **broken)
    before = (out / "records.jsonl").read_text()
    monkeypatch.setenv("BROKEN_KILLS", "1")
    outcome = go(images, out, **broken, measure="latency")
    assert [(row.codec, row.status) for row in outcome.failed] == [("broken", "failed")]
    assert (out / "records.jsonl").read_text() == before
    monkeypatch.delenv("BROKEN_KILLS")
    assert go(images, out, **broken, measure="latency").failed == []
    assert Run(out).records.parts.tolist() == [["quality", "latency"]]


def test_times_taken_otherwise_are_refused_and_those_there_stay(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    go(images, out, limit=1, qualities=["4"], measure="latency", isolate=False)
    with pytest.raises(UserError, match="repeats was 2, now 3; choose another --out"):
        go(images, out, limit=1, qualities=["4"], measure="latency", isolate=False, repeats=3)
    assert go(images, out, limit=1, qualities=["4"], repeats=3).stored == 1  # quality has no repeats
    assert Run(out).info["config"]["repeats"] == 2


def test_what_is_there_is_not_replaced_by_what_is_measured_for_others(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    times = {"measure": "latency", "isolate": False, "limit": 1}
    go(images, out, qualities=["4"], **times)
    (first,) = Run(out).records.to_dict("records")
    go(images, out, qualities=["2,4"], **(times | {"measure": "quality,latency"}))
    rows = Run(out).records.set_index("quality")
    assert rows.encode_s[4] == first["encode_s"]
    assert rows.parts.tolist() == [["quality", "latency"]] * 2


def test_other_bytes_join_no_record(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    go(images, out, qualities=["4"], limit=1)
    before = (out / "records.jsonl").read_text()
    monkeypatch.setattr(
        "fake.codec.Fake.compress",
        lambda _, x: sys.modules["fake.codec"].Bitstream(bytes(x[0].numel()), b"\0\x10\0\x18"),
    )
    outcome = go(images, out, qualities=["4"], limit=1, measure="latency", isolate=False)
    assert [row.error for row in outcome.failed] == [OTHER_BYTES]
    assert (out / "records.jsonl").read_text() == before


def test_measurements_of_another_commit_join_no_record(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    go(images, out, qualities=["4"], limit=1)
    info = json.loads((out / "run.json").read_text())
    info["environment"]["git_commit"] = "another"
    (out / "run.json").write_text(json.dumps(info))
    before = (out / "run.json").read_text()
    allowed = {"qualities": ["4"], "limit": 1, "allow": ("commit",)}
    with pytest.raises(UserError, match="cannot join them at another commit"):
        go(images, out, **allowed, measure="latency", isolate=False)
    assert (out / "run.json").read_text() == before
    assert go(images, out, **(allowed | {"limit": 2})).stored == 1


def test_a_repaired_picture_is_measured(images: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "run", images / "image1.png"
    whole = picture.read_bytes()
    picture.write_bytes(b"")
    assert len(go(images, out, qualities=["4"]).failed) == 1
    picture.write_bytes(whole)
    outcome = go(images, out, qualities=["4"])
    assert (outcome.stored, outcome.failed) == (1, [])
