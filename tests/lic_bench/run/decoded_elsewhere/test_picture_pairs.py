import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lic_bench.errors import UserError
from lic_bench.images.datasets import find_dataset
from lic_bench.run.decoded_elsewhere.picture_pairs import Pairing, Problem, pair_pictures

Coded = Callable[[Path], Path]


def pairing_of(originals: Path, folder: Path, sizes: Path | None = None, pattern: str | None = None) -> Pairing:
    return pair_pictures(find_dataset(str(originals)), folder, pattern, sizes)


def test_what_fits_has_no_problems(originals: Path, coded: Coded, tmp_path: Path) -> None:
    coded(tmp_path)
    by_table = pairing_of(originals, tmp_path / "decoded", tmp_path / "sizes.csv")
    of_files = pairing_of(originals, tmp_path / "files")
    assert by_table.pattern == of_files.pattern == "{codec}/q{quality}/{image}"
    assert of_files.sizes == "the .jpeg, .webp files"
    for pairing in (by_table, of_files):
        assert not pairing.problems
        assert len(pairing.pairs) == 16
    assert {pair.name: pair.bytes for pair in by_table.pairs} == {pair.name: pair.bytes for pair in of_files.pairs}


def test_bitstreams_beside_lossless_pictures_are_the_sizes(originals: Path, coded: Coded, tmp_path: Path) -> None:
    coded(tmp_path)
    shutil.copytree(tmp_path / "files", tmp_path / "decoded", dirs_exist_ok=True)
    pairing = pairing_of(originals, tmp_path / "decoded")
    assert not pairing.problems
    assert {pair.decoded.path.suffix for pair in pairing.pairs if pair.decoded.path} == {".png"}
    assert pairing.sizes == "the bitstreams beside the pictures"
    sizes = {
        tuple(file.relative_to(tmp_path / "files").with_suffix("").parts): file.stat().st_size
        for file in (tmp_path / "files").rglob("picture*")
    }
    assert {
        (pair.name.codec, f"q{pair.name.quality}", Path(pair.name.image).stem): pair.bytes for pair in pairing.pairs
    } == sizes


def test_everything_that_does_not_fit_is_told(originals: Path, coded: Coded, tmp_path: Path) -> None:
    decoded = coded(tmp_path) / "decoded"
    jpeg = decoded / "jpeg"
    picture = Image.open(jpeg / "q50/picture1.png").copy()
    (jpeg / "q20/picture2.png").unlink()
    picture.save(jpeg / "q20/stranger.png")
    picture.crop((0, 0, 100, 90)).save(jpeg / "q50/picture1.png")
    picture.convert("L").save(jpeg / "q50/picture2.png")
    picture.save(jpeg / "q75/picture1.bmp")
    with (jpeg / "q90/picture1.png").open("r+b") as file:
        file.truncate(3000)
    picture.save(decoded / "notes.png")
    table = (tmp_path / "sizes.csv").read_text().replace("webp,20,picture1", "webp,21,picture1")
    (tmp_path / "sizes.csv").write_text(table)
    pairing = pairing_of(originals, decoded, tmp_path / "sizes.csv")
    assert {(p.codec, p.quality, p.image): p.what.partition(" (")[0] for p in pairing.problems} == {
        ("", "", "notes.png"): "a name that is not of the pattern",
        ("jpeg", 20, "picture2.png"): "not decoded",
        ("jpeg", 20, "stranger"): "no original that can be used",
        ("jpeg", 50, "picture1.png"): "100x90, the original is 196x176",
        ("jpeg", 50, "picture2.png"): "is greyscale",
        ("jpeg", 75, "picture1.png"): "not decoded",
        ("jpeg", 90, "picture1.png"): "cannot be decoded",
        ("webp", 20, "picture1.png"): "a picture, but no size",
        ("webp", 21, "picture1.png"): "a size, but no picture",
    }  # fmt: skip
    told = [p.what for p in pairing.problems if p[:2] == ("jpeg", 75)]
    assert "several pictures: picture1.bmp, picture1.png" in told
    assert len(pairing.pairs) == 16 - 6


def test_an_original_that_cannot_be_used_lacks_nothing(originals: Path, coded: Coded, tmp_path: Path) -> None:
    coded(tmp_path)
    own = tmp_path / "own"
    shutil.copytree(originals, own)
    Image.open(own / "picture2.png").convert("L").save(own / "picture2.png")
    pairing = pairing_of(own, tmp_path / "decoded", tmp_path / "sizes.csv")
    assert {pair.name.image for pair in pairing.pairs} == {"picture1.png"}
    assert {problem[2:] for problem in pairing.problems} == {("no original that can be used", "picture2.png")}


def test_without_sizes_there_are_none(originals: Path, coded: Coded, tmp_path: Path) -> None:
    pairing = pairing_of(originals, coded(tmp_path) / "decoded", pattern="{codec}/q{quality}/{image}.png")
    assert (pairing.sizes, {pair.bytes for pair in pairing.pairs}) == ("", {None})
    (tmp_path / "decoded/jpeg/q20/picture1.bin").write_bytes(b"12")
    (tmp_path / "decoded/jpeg/q20/picture2.bin").write_bytes(b"12")
    (tmp_path / "decoded/jpeg/q20/picture2.jxl").write_bytes(b"12")
    pairing = pairing_of(originals, tmp_path / "decoded", pattern="{codec}/q{quality}/{image}.png")
    assert [pair.bytes for pair in pairing.pairs] == [2]
    assert Problem("jpeg", 20, "several bitstreams: picture2.bin, picture2.jxl", "picture2.png") in pairing.problems


def test_folders_and_names_that_are_no_codec_are_one_line(originals: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no decoded pictures"):
        pairing_of(originals, tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        pairing_of(originals, tmp_path / "nowhere")
    (tmp_path / "lalic@bf16/q1").mkdir(parents=True)
    shutil.copy(originals / "picture1.png", tmp_path / "lalic@bf16/q1")
    with pytest.raises(UserError, match="Codec 'lalic@bf16': @ is kept for variants of codecs"):
        pairing_of(originals, tmp_path)
