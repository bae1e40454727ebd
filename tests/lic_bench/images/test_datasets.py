"""Finding data sets and listing them: never silently the wrong images."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

from lic_bench.errors import UserError
from lic_bench.images import datasets, known_datasets
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import pixels_sha256, read_image, read_pixels
from lic_bench.images.known_datasets import DATASETS, DatasetInfo, read_manifest


@pytest.fixture(autouse=True)
def _no_data_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.delenv("LIC_BENCH_DATA", raising=False)
    monkeypatch.setattr(datasets, "user_cache_path", lambda _: tmp_path / "cache")


def write(path: Path, width: int = 6, height: int = 4, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pil.fromarray(pixels).save(path)
    return path


def test_a_folder_is_a_data_set_in_the_order_of_its_names(tmp_path):
    for name in ("b.png", "a.png", "deep/c.ppm", ".hidden.png", "__MACOSX/d.png", "notes.txt"):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("txt"):
            (tmp_path / "mine" / name).write_text("no image")
        else:
            write(tmp_path / "mine" / name)
    found = find_dataset(str(tmp_path / "mine"))
    assert (found.name, found.warnings, found.found) == ("mine", (), 3)
    assert [(i.name, i.width, i.height) for i in found.images] == [("a.png", 6, 4), ("b.png", 6, 4), ("c.ppm", 6, 4)]


def test_a_grey_pgm_is_listed_as_unusable_or_converted(tmp_path):
    write(tmp_path / "a.pnm")
    pil.fromarray(np.full((4, 6), 9, np.uint8)).save(tmp_path / "b.pgm")
    found = find_dataset(str(tmp_path))
    assert [i.name for i in found.usable] == ["a.pnm"]
    assert "measured without 1 of 2 images" in found.warnings[0]
    assert "b.pgm" in found.warnings[0]
    converted = find_dataset(str(tmp_path), convert=True)
    assert [i.name for i in converted.usable] == ["a.pnm", "b.pgm"]
    assert (read_image(converted.images[1]) == 9).all()


def test_the_same_name_in_two_folders_is_told_apart(tmp_path):
    write(tmp_path / "x" / "1.png")
    write(tmp_path / "y" / "1.png")
    assert [i.name for i in find_dataset(str(tmp_path)).images] == ["x/1.png", "y/1.png"]


def test_limit_takes_the_first_and_remembers_how_many_there_were(tmp_path):
    for n in range(5):
        write(tmp_path / f"{n}.png")
    found = find_dataset(str(tmp_path), limit=2)
    assert ([i.name for i in found.images], found.found) == (["0.png", "1.png"], 5)


def test_crop_is_central_changes_the_name_and_keeps_small_images_whole(tmp_path):
    write(tmp_path / "d" / "big.png", 11, 8)
    write(tmp_path / "d" / "small.png", 3, 9)
    whole, cropped = find_dataset(str(tmp_path / "d")), find_dataset(str(tmp_path / "d"), crop=4)
    assert (whole.name, cropped.name) == ("d", "d@4")
    assert [(i.width, i.height) for i in cropped.images] == [(4, 4), (3, 4)]
    np.testing.assert_array_equal(read_image(cropped.images[0]), read_image(whole.images[0])[2:6, 3:7])
    np.testing.assert_array_equal(read_image(cropped.images[1]), read_image(whole.images[1])[2:6])


@pytest.mark.parametrize("where", ["data_root", "environment", "cache", "nested", "the folder itself", "upper case"])
def test_a_named_data_set_is_found_in_every_place(tmp_path, monkeypatch, where):
    write(tmp_path / "root" / ("deep/er/" if where == "nested" else "") / "tecnick" / "RGB" / "1.png", 1200, 1200)
    root: Path | None = tmp_path / "root"
    if where == "environment":
        monkeypatch.setenv("LIC_BENCH_DATA", str(root))
        root = None
    elif where == "cache":
        (tmp_path / "cache").mkdir()
        (tmp_path / "root").rename(tmp_path / "cache" / "data")
        root = None
    elif where == "the folder itself":
        root = tmp_path / "root" / "tecnick"
    elif where == "upper case":
        (tmp_path / "root" / "tecnick").rename(tmp_path / "root" / "Tecnick")
    found = find_dataset("tecnick", root)
    assert [i.name for i in found.images] == ["1.png"]
    assert len(found.warnings) == 1
    assert "1 images" in found.warnings[0]
    assert "has 100" in found.warnings[0]


def test_data_root_alone_counts_when_given(tmp_path, monkeypatch):
    write(tmp_path / "environment" / "kodak" / "kodim01.png")
    monkeypatch.setenv("LIC_BENCH_DATA", str(tmp_path / "environment"))
    with pytest.raises(UserError, match="not there"):
        find_dataset("kodak", tmp_path / "elsewhere")


def test_a_missing_data_set_says_every_place_and_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("LIC_BENCH_DATA", str(tmp_path / "named"))
    with pytest.raises(UserError) as error:
        find_dataset("kodak")
    for part in (str(tmp_path / "named" / "kodak"), str(tmp_path / "cache"), "lic-bench fetch kodak", "--data-root"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("kodka", {}, "Did you mean 'kodak'"),
        ("no/such/folder", {}, "no such folder"),
        ("sample", {"limit": 0}, "limit 0: allowed is 1 or more"),
        ("sample", {"crop": -1}, "crop -1: allowed is 1 or more"),
    ],
)
def test_wrong_names_and_options_are_refused(name, options, message):
    with pytest.raises(UserError, match=message):
        find_dataset(name, **options)


def test_a_file_an_empty_folder_and_a_folder_called_sample_are_refused(tmp_path):
    file = write(tmp_path / "sample" / "one.png")
    (tmp_path / "empty").mkdir()
    for path, message in (
        (file, "is a file"),
        (tmp_path / "empty", "holds no images"),
        (tmp_path / "sample", "rename the folder"),
    ):
        with pytest.raises(UserError, match=message):
            find_dataset(str(path))


def test_an_unreadable_image_is_listed_and_does_not_stop_the_others(tmp_path):
    write(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"not a picture")
    (tmp_path / "c.png").write_bytes(b"")
    (tmp_path / "d.png").symlink_to(tmp_path / "nowhere.png")
    images = find_dataset(str(tmp_path), crop=2).images
    assert [(i.name, i.width, i.height) for i in images] == [
        ("a.png", 2, 2),
        ("b.png", None, None),
        ("c.png", None, None),
        ("d.png", None, None),
    ]
    assert images[3].sha256 is None
    assert [image.problem is None for image in images] == [True, False, False, False]
    for image in images[1:]:
        with pytest.raises(UserError):
            read_image(image)


@pytest.mark.parametrize("what", ["pipe", "device", "endless link", "nothing"])
def test_what_is_no_plain_file_is_said_and_never_read(tmp_path, what):
    write(tmp_path / "a.png")
    odd = tmp_path / "odd.png"
    if what == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to({"device": "/dev/zero", "endless link": odd, "nothing": tmp_path / "gone"}[what])
    found = find_dataset(str(tmp_path))
    assert [image.name for image in found.usable] == ["a.png"]
    (warning,) = found.warnings
    assert "measured without 1 of 2 images, the first: " in warning
    assert "\n" not in warning
    expected = "is no plain file" if what in ("pipe", "device") else "cannot be read"
    assert expected in found.images[1].problem
    with pytest.raises(UserError, match=expected):
        read_pixels(odd)


def test_without_any_image_that_can_be_used_there_is_no_data_set(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match=r"has no image that can be used; the first: .*a\.png is an empty file"):
        find_dataset(str(tmp_path))


def test_many_unusable_images_are_one_line(tmp_path):
    write(tmp_path / "z.png")
    for number in range(9):
        (tmp_path / f"{number}.png").write_bytes(b"?")
    (warning,) = find_dataset(str(tmp_path)).warnings
    assert "measured without 9 of 10 images, the first: " in warning
    assert "0.png is no image of a format that is read" in warning


def test_names_that_are_not_utf_8_are_spelled_out(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9s")
    write(folder / os.fsdecode(b"\xe9.png"))
    (folder / os.fsdecode(b"\xff.png")).write_bytes(b"?")
    found = find_dataset(str(folder))
    assert (found.name, [image.name for image in found.images]) == ("caf\\udce9s", ["\\udce9.png", "\\udcff.png"])
    assert read_image(found.images[0]).shape == (4, 6, 3)
    for text in (found.name, *found.warnings):
        text.encode()


def test_links_to_folders_lead_to_images_and_never_round(tmp_path):
    write(tmp_path / "disk" / "a.png")
    write(tmp_path / "set" / "b.png")
    (tmp_path / "set" / "more").symlink_to("../disk")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "disk")
    (tmp_path / "set" / "round").symlink_to(".")
    (tmp_path / "disk" / "back").symlink_to("../set")
    assert [image.name for image in find_dataset(str(tmp_path / "set")).images] == ["a.png", "b.png"]
    (tmp_path / "root" / "kodak").mkdir(parents=True)
    (tmp_path / "root" / "kodak" / "PNG").symlink_to(tmp_path / "disk")
    assert {image.name for image in find_dataset("kodak", tmp_path / "root").images} == {"a.png", "b.png"}


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A data set of two known 6x4 pictures in a folder, known under the name "kodak"."""
    folder = tmp_path / "root" / "kodak"
    known = {}
    for seed, name in enumerate(("kodim01.png", "kodim02.png")):
        image = find_dataset(str(write(folder / name, seed=seed).parent)).images[seed]
        known[name] = {"sha256": image.sha256, "pixels_sha256": pixels_sha256(read_image(image))}
    info = DatasetInfo(count=2, size="6x4", how="", what="", sizes=frozenset(((6, 4),)))
    monkeypatch.setitem(DATASETS, "kodak", info)
    monkeypatch.setattr(known_datasets, "read_manifest", lambda _: known)
    return folder


def test_the_known_files_and_the_same_pixels_in_other_files_pass(tiny):
    assert find_dataset("kodak", tiny.parent).warnings == ()
    with pil.open(tiny / "kodim01.png") as picture:
        picture.load()
    picture.save(tiny / "kodim01.png", compress_level=0)
    assert find_dataset("kodak", tiny.parent).warnings == ()
    assert find_dataset(str(tiny)).warnings == ()


@pytest.mark.parametrize(
    ("damage", "warning"),
    [
        (lambda folder: write(folder / "kodim02.png", seed=7), "kodim02.png: not the known pixels"),
        (lambda folder: write(folder / "kodim02.png", 12, 8), r"kodim02.png \(12x8\): another size"),
        (lambda folder: (folder / "kodim02.png").unlink(), "1 images in .* has 2"),
        (lambda folder: write(folder / "kodim03.png"), "3 images in .* has 2"),
        (
            lambda folder: (folder / "kodim02.png").write_bytes(b"?"),
            r"measured without 1 of 2 images, the first: .*kodim02\.png is no image",
        ),
    ],
)
def test_anything_else_is_a_warning(tiny, damage, warning):
    damage(tiny)
    found = find_dataset(str(tiny))
    assert found.name == "kodak"
    assert any(re.search(warning, line) for line in found.warnings), found.warnings


def test_the_manifest_of_kodak_is_complete():
    known = read_manifest("kodak")
    assert sorted(known) == [f"kodim{n:02}.png" for n in range(1, 25)]
    sizes = [(entry["width"], entry["height"]) for entry in known.values()]
    assert (sizes.count((768, 512)), sizes.count((512, 768))) == (18, 6)
    assert all(len(entry[k]) == 64 for entry in known.values() for k in ("sha256", "pixels_sha256"))


def test_listing_imports_neither_torch_nor_numpy_nor_pillow():
    code = (
        "import sys, json, lic_bench.images.datasets as d; d.find_dataset('sample'); "
        "print(json.dumps([m for m in ('torch', 'numpy', 'PIL') if m in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(out.stdout) == []


def test_photos_are_those_that_scikit_image_carries():
    found = find_dataset("photos")
    assert [i.name for i in found.images] == ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"]
    assert found.warnings == ()
    for image in find_dataset("photos", crop=64, limit=2).images:
        assert read_image(image).shape == (64, 64, 3)


def test_photos_without_the_package_say_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"'photos' is not there\. Get it: pip install 'lic-bench\[photos\]'"):
        find_dataset("photos")
    write(tmp_path / "photos" / "mine.png")
    with pytest.raises(UserError, match="name of the data set 'photos', which is no folder"):
        find_dataset(str(tmp_path / "photos"))
