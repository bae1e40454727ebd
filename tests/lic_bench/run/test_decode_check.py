"""Runs that save what they decode, and decoding it again."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lic_bench.errors import UserError
from lic_bench.images.sample_pictures import draw_sample
from lic_bench.run.decode_check import Decode, as_coded, check_decodes
from lic_bench.run.options import Options
from lic_bench.run.session import Silent, run
from lic_bench.store.record_log import read_rows
from lic_bench.store.records import Record
from lic_bench.store.saved_files import DECODE_CHECKS, SavedBitstream, picture_hash, saved_path

PASSES = 7  # two of each group of y, one of z


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in (1, 2):
        Image.fromarray(draw_sample(number, 64, 96)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def measured(pictures: Path) -> Path:
    out = pictures.parent / "saved-run"
    measure(pictures, out, save="pictures,bitstreams")
    return out


def measure(pictures: Path, out: Path, **options: object) -> None:
    given = {"codecs": "lalic-small,jpeg", "qualities": ["lalic-small=3", "jpeg=40"], "datasets": str(pictures)}
    outcome = run(Options(**(given | {"measure": "quality", "device": "cpu", "out": out} | options)), Silent())
    assert not outcome.failed


def records(out: Path) -> dict[tuple[str, str], Record]:
    return {(row.codec, row.image): row for row in read_rows(out / "records.jsonl", Record)}


def decodes(out: Path, codecs: str = "lalic-small") -> Sequence[Decode]:
    return check_decodes(out, codecs=codecs, device="cpu")[1]


@pytest.fixture
def copied(measured: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(measured, tmp_path / "run"))


def test_what_is_saved_is_what_was_decoded_and_what_it_was_decoded_from(measured: Path, pictures: Path) -> None:
    for (codec, image), record in records(measured).items():
        assert record.saved_picture
        assert record.saved_bitstream
        decoded = np.asarray(Image.open(saved_path(measured, "pictures", record.saved_picture)))
        assert picture_hash(*decoded.shape[:2], decoded.tobytes()) == record.saved_picture
        original = np.asarray(Image.open(pictures / image)).astype(float)
        assert np.mean((original - decoded) ** 2) == pytest.approx(record.mse_8bit)
        file = saved_path(measured, "bitstreams", record.saved_bitstream)
        saved = SavedBitstream.from_bytes(file.read_bytes(), str(file))
        assert (len(saved.payload), len(saved.header)) == (record.payload_bytes, record.header_bytes)
        assert (saved.about["codec"], saved.about["weights"]) == (codec, record.weights)


def test_a_run_without_files_grows_by_them(measured: Path, pictures: Path, tmp_path: Path) -> None:
    measure(pictures, tmp_path / "run")
    assert not (tmp_path / "run/pictures").exists()
    measure(pictures, tmp_path / "run", save="pictures")
    measure(pictures, tmp_path / "run", save="bitstreams", isolate=True)
    grown = records(tmp_path / "run")
    assert {key: row.saved_picture for key, row in grown.items()} == {
        key: row.saved_picture for key, row in records(measured).items()
    }
    assert all(row.parts == ["quality", "pictures", "bitstreams"] for row in grown.values())
    assert {decode.outcome for decode in decodes(tmp_path / "run", "lalic-small,jpeg")} == {"exact"}


def test_the_same_machine_decodes_the_same_pictures(measured: Path) -> None:
    decoder, found = check_decodes(measured, device="cpu", threads=2)
    assert decoder["threads"] == 2
    assert [(d.codec, d.image, d.outcome, d.largest, d.first_pass) for d in found] == [
        (codec, image, "exact", 0, None) for codec in ("jpeg", "lalic-small") for image in ("1.png", "2.png")
    ]
    assert {d.passes for d in found if d.codec == "lalic-small"} == {PASSES}
    assert len(list((measured / DECODE_CHECKS).iterdir())) == 1


def test_a_decoder_with_other_symbols_makes_another_picture_and_the_pass_is_named(copied: Path) -> None:
    """As if the encoder's machine had written other symbols in the third pass, and seen another picture."""
    record = records(copied)["lalic-small", "1.png"]
    file = saved_path(copied, "bitstreams", record.saved_bitstream or "")
    saved = SavedBitstream.from_bytes(file.read_bytes(), "it")
    passes = [[name, number, "other" if number == 2 else digest] for name, number, digest in saved.about["passes"]]
    about = saved.about | {"passes": passes, "picture": "of another machine"}
    picture = saved_path(copied, "pictures", record.saved_picture or "")
    Image.fromarray(255 - np.asarray(Image.open(picture))).save(picture)
    file.write_bytes(SavedBitstream(about, saved.header, saved.payload).to_bytes())
    found, other = decodes(copied)
    assert (found.image, found.outcome, found.first_pass, found.passes) == ("1.png", "other", 3, PASSES)
    assert found.largest is not None
    assert found.largest > 1
    assert other.outcome == "exact"


def test_a_string_that_ends_too_early_is_a_failure(copied: Path) -> None:
    record = records(copied)["lalic-small", "1.png"]
    file = saved_path(copied, "bitstreams", record.saved_bitstream or "")
    saved = SavedBitstream.from_bytes(file.read_bytes(), "it")
    file.write_bytes(replace(saved, payload=saved.payload[:-8]).to_bytes())
    found, _ = decodes(copied)
    assert (found.outcome, found.largest) == ("failed", None)
    assert found.error


def test_a_difference_of_one_level_is_near_and_without_pictures_unknown(copied: Path) -> None:
    record = records(copied)["jpeg", "1.png"]
    file = saved_path(copied, "bitstreams", record.saved_bitstream or "")
    saved = SavedBitstream.from_bytes(file.read_bytes(), "it")
    file.write_bytes(replace(saved, about=saved.about | {"picture": "of another machine"}).to_bytes())
    picture = saved_path(copied, "pictures", record.saved_picture or "")
    levels = np.asarray(Image.open(picture)).copy()
    levels[0, 0, 0] += 1 if levels[0, 0, 0] < 255 else -1
    Image.fromarray(levels).save(picture)
    assert [(d.outcome, d.largest) for d in decodes(copied, "jpeg")] == [("near", 1), ("exact", 0)]
    levels[0, 0, 1] ^= 128
    Image.fromarray(levels).save(picture)
    assert [(d.outcome, d.largest) for d in decodes(copied, "jpeg")] == [("other", 128), ("exact", 0)]
    picture.unlink()
    assert [(d.outcome, d.largest) for d in decodes(copied, "jpeg")] == [("other", None), ("exact", 0)]


def test_files_that_are_gone_or_cut_and_other_weights_are_failures_with_a_reason(copied: Path) -> None:
    of_codec = records(copied)
    gone, cut = (
        saved_path(copied, "bitstreams", of_codec["jpeg", i].saved_bitstream or "") for i in ("1.png", "2.png")
    )
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])
    first, second = decodes(copied, "jpeg")
    assert (first.outcome, second.outcome) == ("failed", "failed")
    assert "No such file" in first.error
    assert "not a whole one" in second.error
    log = copied / "records.jsonl"
    weights = of_codec["lalic-small", "1.png"].weights or ""
    log.write_text(log.read_text().replace(weights, "f" * 64))
    assert {d.error for d in decodes(copied)} == {f"coded with weights ffffffff, here are {weights[:8]}"}


def test_runs_without_bitstreams_are_refused(measured: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run with records"):
        check_decodes(tmp_path)
    with pytest.raises(UserError, match="no saved bitstreams of webp; measure with --save bitstreams"):
        check_decodes(measured, codecs="webp")


@pytest.mark.parametrize(
    ("codec", "mode", "settings"), [("vtm-9.1", "ycbcr8", {"vtm_colour": "ycbcr8"}), ("vvenc", "ycbcr10-420", {})]
)
def test_a_codec_of_several_colour_paths_decodes_by_the_records(
    measured: Path, codec: str, mode: str, settings: object
) -> None:
    record = next(iter(records(measured).values()))
    assert as_coded(replace(record, codec=codec, mode=mode)).settings == settings
