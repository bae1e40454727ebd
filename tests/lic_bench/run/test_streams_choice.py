"""Runs of a codec that only decodes, from its bitstreams to its records; the bitstreams are JPEG files."""

from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from PIL import Image

from lic_bench.codecs import registry
from lic_bench.errors import UserError
from lic_bench.run.dry_run import plan_run
from lic_bench.run.options import Options
from lic_bench.run.scaling import run as scale
from lic_bench.run.session import Silent, run
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Record
from lic_bench.store.run_folder import Run

PLUGINS = Path(__file__).parents[2] / "plugins"
QUALITY = {"low": 20, "high": 95}


@pytest.fixture(autouse=True)
def _replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_plugins", {})
    for name in ("replay", "fake"):
        registry.add_plugin(PLUGINS / name)


@pytest.fixture
def streams(images: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "streams"
    folder.mkdir()
    for file in images.glob("*.png"):
        for name, quality in QUALITY.items():
            Image.open(file).save(folder / f"{file.stem}-{name}.jpg", quality=quality)
    return folder


def options(images: Path, folder: Path, out: Path, **changes: Any) -> Options:
    given = {"codecs": "replay", "datasets": str(images), "out": out, "device": "cpu", "measure": "quality"}
    return Options(**({**given, "streams": [f"replay={folder}"]} | changes))


def records(out: Path) -> list[Record]:
    return [row for row in Run(out).records.itertuples() if row.codec == "replay"]


def test_rates_are_those_of_the_files_and_encoding_is_measured_nowhere(
    images: Path, streams: Path, tmp_path: Path
) -> None:
    asked = {"measure": "quality,latency,phases,memory", "isolate": False, "limit": 1, "repeats": 2, "budget": 0.01}
    outcome = run(options(images, streams, tmp_path / "run", **asked), Silent())
    assert (outcome.stored, outcome.failed) == (2, [])
    plan = plan_run(options(images, streams, tmp_path / "other"), [tmp_path / "run"])
    assert 0 < plan.codecs[0].seconds < 60
    for row in records(tmp_path / "run"):
        file = streams / f"{Path(row.image).stem}-{'low' if row.quality == 1 else 'high'}.jpg"
        assert (row.payload_bytes, row.header_bytes) == (file.stat().st_size, 0)
        assert row.encode_s == []
        assert len(row.decode_s) == len(row.canary_s) == len(row.starts) >= 2
        assert not [
            name for of in (row.cold_start_s, row.peak_memory_bytes, row.phases_s) for name in of if "encode" in name
        ]
        assert row.phases_s["decode/files"]
        assert row.peak_memory_bytes["decode_rss"] > 0
        assert (row.encoder_version, row.weights) == ("1.0", None)
        assert row.psnr_db > 15


def test_operations_are_the_mean_over_the_bitstreams_of_a_quality(images: Path, streams: Path, tmp_path: Path) -> None:
    assert run(options(images, streams, tmp_path / "run", measure="complexity"), Silent()).failed_complexity == []
    counted = Run(tmp_path / "run").complexity
    assert [(row.quality, row.counter, row.path) for row in counted.itertuples()] == [
        (1, "exact", "decode"),
        (2, "exact", "decode"),
    ]
    pixels = {"image0": 16 * 24, "image1": 16 * 24, "image2": 17 * 5}
    for row, name in zip(counted.itertuples(), QUALITY, strict=True):
        per_pixel = fmean((streams / f"{stem}-{name}.jpg").stat().st_size / count for stem, count in pixels.items())
        assert row.macs == round(per_pixel * 768 * 512)
        assert row.parameters == 7


def test_a_process_of_its_own_decodes_what_was_read(images: Path, streams: Path, tmp_path: Path) -> None:
    asked = options(images, streams, tmp_path / "run", isolate=True, limit=1, qualities=["1"])
    assert run(asked, Silent()).failed == []
    assert {row.decoder for row in records(tmp_path / "run")} == {"process"}


def test_bitstreams_are_found_beside_the_data_sets(images: Path, streams: Path, tmp_path: Path) -> None:
    place = tmp_path / "data" / "replay" / images.name
    place.parent.mkdir(parents=True)
    streams.rename(place)
    found = options(images, place, tmp_path / "run", streams=(), data_root=tmp_path / "data")
    assert run(found, Silent()).stored == 6
    (place / "image1-high.jpg").unlink()
    missing = options(images, place, tmp_path / "again", streams=(), data_root=tmp_path / "data")
    with pytest.raises(
        UserError, match=r"no bitstream of pictures/image1.png: no image1-high.jpg in .*data/replay; only"
    ):
        run(missing, Silent())
    assert "image1-high.jpg" in plan_run(missing, []).missing[0]


def test_another_pictures_bitstream_is_a_failed_record(images: Path, streams: Path, tmp_path: Path) -> None:
    Image.new("RGB", (24, 16), (255, 0, 0)).save(streams / "image0-low.jpg")
    Image.new("RGB", (16, 24)).save(streams / "image1-low.jpg")
    (streams / "image2-low.jpg").write_bytes(b"no picture")
    outcome = run(options(images, streams, tmp_path / "run"), Silent())
    assert [row.quality for row in outcome.failed] == [1, 1, 1]
    another, turned, damaged = (row.error for row in outcome.failed)
    assert "the bitstream is of another picture: at " in another
    assert "decoded size (1, 3, 24, 16) is not the image's" in turned
    assert "cannot identify image file" in damaged


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop": 8}, "whole pictures: --crop changes the pictures; leave it or the codec out"),
        ({"quick": True}, "whole pictures: --quick"),
        ({"convert": True}, "whole pictures: --convert"),
        ({"streams": ["replay"]}, "--streams replay: write CODEC=FOLDER"),
        ({"streams": ["replay="]}, "write CODEC=FOLDER"),
        ({"streams": ["fake=."]}, "decode-only codecs of --codecs are: replay"),
        ({"streams": ["replay=/nowhere"]}, "there is no folder /nowhere"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    images: Path, streams: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run(options(images, streams, tmp_path / "run", **changes), Silent())
    assert not (tmp_path / "run").exists()


def test_scale_and_throughput_leave_it_out(images: Path, streams: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="scale draws pictures of its own"):
        scale(options(images, streams, tmp_path / "scale", datasets=""), "32", Silent())
    plan = plan_run(options(images, streams, tmp_path / "run", measure="quality,throughput"), [])
    assert "replay: no throughput: it only decodes, see its latency" in plan.notes


def test_a_spec_has_streams_exactly_where_it_only_decodes() -> None:
    spec = registry.resolve_codec("replay")
    with pytest.raises(UserError, match="streams are of decode-only codecs"):
        CodecSpec(name="x", label="X", kind="decode-only", load="x:y", qualities=(1,))
    with pytest.raises(UserError, match="streams are of decode-only codecs"):
        replace(spec, kind="classical")
