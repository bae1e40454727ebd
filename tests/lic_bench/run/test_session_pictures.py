"""Pictures that were damaged or are none, through `run` and its resumption.

$LIC_BENCH_DRAWS: how many; $LIC_BENCH_SEED: which.
"""

import io
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lic_bench.images.oddity import RULES
from lic_bench.report.frames.rd_points import rd_points
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.session import Outcome, Silent, run
from lic_bench.store.run_folder import Run

DRAWS, SEED = int(os.environ.get("LIC_BENCH_DRAWS", "40")), int(os.environ.get("LIC_BENCH_SEED", "0"))
FORMATS = {"PNG": "png", "JPEG": "jpg", "BMP": "bmp", "PPM": "ppm", "TIFF": "tif", "WEBP": "webp"}
MODES = ("L", "LA", "RGBA", "P", "1", "I;16", "CMYK", "F", "I")
TEXTS = (
    b"",
    b"<!DOCTYPE html><html><body>Not found</body></html>",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    b"P6 60000 60000 255\n",
    b"\x89PNG\r\n\x1a\n",
)


def measure(folder: Path, **options: object) -> Outcome:
    given = {"codecs": "jpeg", "qualities": ["30"], "datasets": str(folder), "measure": "quality", "device": "cpu"}
    return run(Options(**(given | {"out": folder.parent / "run"} | options)), Silent())


def encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def good(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 20, 3), dtype=np.uint8))


def of_another_mode(draw: random.Random) -> tuple[bytes, str]:
    mode = draw.choice(MODES)
    kind = "TIFF" if mode in ("CMYK", "F", "I") else draw.choice(["PNG", "TIFF"])
    return encoded(Image.new(mode, (20, 24)), kind), FORMATS[kind]


def cut_off(draw: random.Random) -> tuple[bytes, str]:
    kind = draw.choice(list(FORMATS))
    data = encoded(good(draw.randrange(9)), kind)
    return data[: draw.randrange(len(data))], FORMATS[kind]


def changed(draw: random.Random) -> tuple[bytes, str]:
    """Some bytes are others, most in the header."""
    kind = draw.choice(list(FORMATS))
    data = bytearray(encoded(good(draw.randrange(9)), kind))
    for _ in range(draw.choice([1, 2, 8])):
        data[draw.randrange(draw.choice([40, len(data)])) % len(data)] = draw.randrange(256)
    return bytes(data), FORMATS[kind]


def no_picture(draw: random.Random) -> tuple[bytes, str]:
    return draw.choice([*TEXTS, draw.randbytes(300)]), draw.choice(list(FORMATS.values()))


KINDS: tuple[Callable[[random.Random], tuple[bytes, str]], ...] = (of_another_mode, cut_off, changed, no_picture)


def mutated(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` files, name and content."""
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        data, suffix = KINDS[number % len(KINDS)](draw)
        yield f"{number:03}.{suffix}", data


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of two good pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed, name in enumerate(("good0.png", "good1.png")):
        good(seed).save(folder / name)
    return folder


def test_damaged_pictures_end_no_run_and_spoil_no_curve(pictures: Path) -> None:
    for name, data in mutated(DRAWS, SEED):
        (pictures / name).write_bytes(data)
    first = measure(pictures)
    stored = Run(pictures.parent / "run").records
    assert first.stored == len(stored) == DRAWS + 2
    assert all(error and "\n" not in error for error in stored.error[stored.status == "failed"])
    assert set(stored.image[stored.status == "ok"]) >= {"good0.png", "good1.png"}
    assert all(rd_points(Run(pictures.parent / "run")).complete)
    again = measure(pictures)
    assert (again.stored, len(again.failed)) == (0, len(first.failed))


@pytest.mark.parametrize("ending", ["removed", "kept"])
def test_the_rest_stands_whether_an_unusable_picture_goes_or_stays(pictures: Path, ending: str) -> None:
    spoilt = pictures / "grey.png"
    good(2).convert("L").save(spoilt)
    assert (measure(pictures).stored, len(measure(pictures).failed)) == (3, 1)
    if ending == "removed":
        spoilt.unlink()
        assert measure(pictures) == Outcome()
    (point,) = rd_points(Run(pictures.parent / "run")).to_dict("records")
    assert point["complete"]
    assert (point["n_images"], point["n_failed"]) == (2, 1)
    assert point["image_set"].startswith("pictures [2 images")


def test_an_unusable_picture_is_said_before_anything_is_measured(pictures: Path) -> None:
    (pictures / "page.png").write_bytes(TEXTS[1])
    said: list[str] = []

    class Noting(Silent):
        def note(self, text: str) -> None:
            said.append(text)

        def job(self, job: Job) -> None:
            assert any("measured without 1 of 3 images" in text and "page.png" in text for text in said)

    given = {"codecs": "jpeg", "qualities": ["30"], "datasets": str(pictures), "measure": "quality", "device": "cpu"}
    assert run(Options(**given, out=pictures.parent / "run"), Noting()).stored == 3


def add_every_kind(folder: Path) -> None:
    """Grey, palette, alpha, 16-bit, CMYK and turned pictures, and three files that no rule is for."""
    exif = Image.Exif()
    exif[0x0112] = 6
    good(3).convert("L").save(folder / "grey.png")
    good(4).convert("P").save(folder / "palette.png")
    good(5).convert("RGBA").save(folder / "alpha.png")
    good(6).convert("CMYK").save(folder / "inks.tif")
    Image.fromarray(np.random.default_rng(7).integers(0, 65536, (24, 20), dtype=np.uint16)).save(folder / "deep.png")
    good(8).save(folder / "turned.png", exif=exif)
    good(9).convert("F").save(folder / "float.tif")
    good(9).save(folder / "pages.tif", save_all=True, append_images=[good(1)])
    (folder / "page.png").write_bytes(TEXTS[1])


def test_a_folder_of_all_kinds_with_and_without_convert(pictures: Path, command_line: Callable[..., Any]) -> None:
    add_every_kind(pictures)
    arguments = ["run", "--codecs", "jpeg", "--qualities", "30", "--datasets", pictures, "--measure", "quality"]
    plain, converted = pictures.parent / "plain", pictures.parent / "converted"
    code, out, _ = command_line(*arguments, "--out", plain)
    assert code == 1
    assert "9 of 11 images are not just 8-bit RGB: 8 left out, 1 measured as stored" in out
    assert "FAILED" not in out
    code, out, _ = command_line(*arguments, "--out", converted, "--convert")
    assert code == 1
    assert "9 of 11 images are not just 8-bit RGB: 3 left out, 6 converted" in out
    records = [Run(folder).records.set_index("image") for folder in (plain, converted)]
    good_in = [set(rows.index[rows.status == "ok"]) for rows in records]
    assert good_in[0] == {"good0.png", "good1.png", "turned.png"}
    assert good_in[1] == good_in[0] | {"grey.png", "palette.png", "alpha.png", "inks.tif", "deep.png"}
    for image, same in (("good0.png", True), ("turned.png", False)):
        hashes, bits = ([rows.loc[image, name] for rows in records] for name in ("image_sha256", "bitstream_sha256"))
        assert (hashes[0] == hashes[1]) is (bits[0] == bits[1]) is same
    assert [rows.loc["turned.png", ["width", "height"]].tolist() for rows in records] == [[20, 24], [24, 20]]
    info = Run(converted).info
    assert info["conversions"]["pictures/grey.png"] == f"greyscale (Pillow mode L): {RULES['grey']}"
    assert info["conversions"].keys() == {f"pictures/{name}" for name in good_in[1] - {"good0.png", "good1.png"}}
    assert (info["config"]["convert"], Run(plain).info["conversions"]) == (True, {})


def test_converting_or_not_is_another_run(pictures: Path, command_line: Callable[..., Any]) -> None:
    add_every_kind(pictures)
    arguments = ["run", "--codecs", "jpeg", "--qualities", "30", "--datasets", pictures, "--measure", "quality"]
    arguments += ["--out", pictures.parent / "run"]
    assert command_line(*arguments, "--convert")[0] == 1
    before = (pictures.parent / "run" / "records.jsonl").read_bytes()
    assert command_line(*arguments, "--convert")[0] == 1
    assert (pictures.parent / "run" / "records.jsonl").read_bytes() == before
    code, _, errors = command_line(*arguments)
    assert code == 2
    assert "convert was True, now None" in errors


def test_processes_of_their_own_convert_alike(pictures: Path) -> None:
    add_every_kind(pictures)
    for out, isolate in (("together", False), ("apart", True)):
        measure(pictures, out=pictures.parent / out, isolate=isolate, convert=True)
    rows = [Run(pictures.parent / out).records.set_index("image") for out in ("together", "apart")]
    assert (rows[0].status == "ok").sum() == 8
    assert rows[0].bitstream_sha256.dropna().to_dict() == rows[1].bitstream_sha256.dropna().to_dict()
