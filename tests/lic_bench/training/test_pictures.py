"""Which pictures of a folder are used, and how their folder is known again."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lic_bench.errors import UserError
from lic_bench.training.crops import Crops
from lic_bench.training.pictures import find_pictures, smaller_than


def test_every_picture_is_found_and_what_cannot_be_used_is_named(pictures: Path) -> None:
    Image.fromarray(np.zeros((130, 130), np.uint8)).save(pictures / "grey.png")
    (pictures / "part0" / "page.jpg").write_text("<html>")
    (pictures / "notes.txt").write_text("no picture")
    found = find_pictures(pictures)
    assert [p.path for p in found.pictures] == [f"part{n % 2}/picture{n}.png" for n in (0, 2, 4, 1, 3)]
    assert (found.pictures[1].width, found.pictures[1].height) == (136, 136)
    assert len(found.left_out) == 2
    assert "greyscale" in found.left_out[0]
    assert "page.jpg is no image" in found.left_out[1]


def test_the_hash_knows_names_and_contents(pictures: Path) -> None:
    before = find_pictures(pictures).sha256
    assert find_pictures(pictures).sha256 == before
    path = pictures / "part0" / "picture0.png"
    path.rename(pictures / "part0" / "other.png")
    renamed = find_pictures(pictures).sha256
    (pictures / "part0" / "other.png").rename(path)
    assert find_pictures(pictures).sha256 == before
    Image.fromarray(np.asarray(Image.open(path)) ^ 1).save(path)
    assert len({before, renamed, find_pictures(pictures).sha256}) == 3


def test_small_pictures_give_no_crops(pictures: Path) -> None:
    found = find_pictures(pictures)
    assert smaller_than(found.pictures, 132) == 2
    assert {p.path for p in found.of_side(136)} == {"part0/picture2.png"}
    with pytest.raises(UserError, match=r"no picture of 256x256 pixels, which crops need; write --crop 64"):
        found.of_side(256)


def test_folders_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--data .*nowhere: no such folder"):
        find_pictures(tmp_path / "nowhere")
    with pytest.raises(UserError, match="there is no picture file"):
        find_pictures(tmp_path)
    (tmp_path / "a.png").touch()
    with pytest.raises(UserError, match=r"the first of 1 files: .*a\.png is an empty file"):
        find_pictures(tmp_path)


def test_names_that_are_not_utf_8_have_a_hash(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / os.fsdecode(b"caf\xe9.png"))
    assert len(find_pictures(tmp_path).sha256) == 64


def test_named_pipes_and_devices_are_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    found = find_pictures(tmp_path)
    assert [picture.path for picture in found.pictures] == ["a.png"]
    assert len(found.left_out) == 2
    assert all("is no plain file" in line for line in found.left_out)


def test_pictures_of_other_kinds_are_taken_where_they_are_converted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    grey = Image.fromarray(np.arange(130 * 140, dtype=np.uint32).astype(np.uint8).reshape(130, 140))
    grey.save(tmp_path / "grey.png", exif=exif)
    grey.convert("F").save(tmp_path / "float.tif")
    found = find_pictures(tmp_path, convert=True)
    assert [(p.path, p.width, p.height) for p in found.pictures] == [("grey.png", 130, 140)]
    assert len(found.left_out) == 1
    crops = pickle.loads(pickle.dumps(Crops(tmp_path, found.pictures, 130, 0, convert=True)))
    crop = crops[0].numpy()
    turned = np.rot90(np.asarray(grey), -1)
    assert crop.shape == (3, 130, 130)
    assert (crop == crop[0]).all()
    assert any(np.array_equal(c, turned[top : top + 130]) for c in (crop[0], crop[0, :, ::-1]) for top in range(11))
