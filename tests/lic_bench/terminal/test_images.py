"""The table of images that are not just 8-bit RGB."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lic_bench.images.datasets import find_dataset
from lic_bench.terminal import images as of_images
from lic_bench.terminal.output import Output


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What is printed of the images of a folder, 120 columns wide."""

    def show(folder: Path, *, convert: bool = False) -> str:
        monkeypatch.setattr(of_images, "console", Output(width=120))
        of_images.show_images([find_dataset(str(folder), convert=convert)])
        return capsys.readouterr().out

    return show


def test_nothing_is_said_of_a_folder_of_8_bit_rgb(tmp_path: Path, shown: Callable[..., str]) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert shown(tmp_path) == ""


def test_each_image_has_a_row_with_what_becomes_of_it(tmp_path: Path, shown: Callable[..., str]) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    Image.new("L", (8, 8)).save(folder / "[red]grey.png")
    Image.fromarray(np.zeros((8, 8), np.float32)).save(folder / "float.tif")
    (folder / "page.png").write_bytes(b"<html>")
    left_out, converted = shown(folder), shown(folder, convert=True)
    assert "3 of 4 images are not just 8-bit RGB: 3 left out" in left_out
    assert "3 of 4 images are not just 8-bit RGB: 2 left out, 1 converted" in converted
    for text, fate in ((left_out, "left out: not 8-bit RGB"), (converted, "converted")):
        (line,) = (line for line in text.splitlines() if "[red]grey.png" in line)
        assert fate in line
        assert "R, G and B become" in line
        (line,) = (line for line in text.splitlines() if "page.png" in line)
        assert "left out: cannot be read" in line
        assert "no: get it again" in line


def test_of_many_images_the_first_have_a_row(
    tmp_path: Path, shown: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_images, "MOST_ROWS", 3)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    for number in range(7):
        (tmp_path / f"{number}.png").write_bytes(b"")
    text = shown(tmp_path)
    assert "2.png" in text
    assert "3.png" not in text
    assert "and 4 more" in text
