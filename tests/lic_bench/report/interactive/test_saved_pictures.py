"""Saved pictures beside their originals: in the page while they are few, else as files."""

import io
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import read_image
from lic_bench.report.interactive import saved_pictures as module
from lic_bench.report.interactive.saved_pictures import saved_pictures
from lic_bench.report.write_report import write_report
from lic_bench.store.run_folder import Run

MakeSavedRun = Callable[[Path], Run]


def test_few_are_in_the_page_and_are_the_pictures(make_saved_run: MakeSavedRun, tmp_path: Path) -> None:
    found = saved_pictures([make_saved_run(tmp_path / "run")])
    (image,) = found.images
    assert [(p["codec"], p["quality"]) for p in image["points"]] == [
        ("JPEG", 10),
        ("JPEG", 80),
        ("WebP", 5),
        ("WebP", 70),
    ]
    assert found.write(tmp_path) == []
    original, decoded = (
        np.asarray(Pillow.open(io.BytesIO(b64decode(found.addresses()[name].partition(",")[2]))), dtype=float)
        for name in (image["original"], image["points"][0]["picture"])
    )
    assert (original == read_image(find_dataset("sample", limit=1, crop=192).images[0])).all()
    psnr_db = 10 * np.log10(255**2 / np.mean((original - decoded) ** 2))
    assert psnr_db == pytest.approx(image["points"][0]["psnr_db"])


def test_many_are_files_beside_it(
    make_saved_run: MakeSavedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_INSIDE", 1000)
    make_saved_run(tmp_path / "run")
    out = tmp_path / "out"
    written = write_report([tmp_path / "run"], out, published="none", anchor="jpeg")
    pictures = {path for path in written.files if path.parent == out / "pictures"}
    assert len(pictures) == 5
    html = written.index.read_text()
    assert all(f'"pictures/{path.name}"' in html for path in pictures)
    assert "files in the folder pictures" in html
    (out / "pictures" / "mine.png").write_text("stays")
    monkeypatch.undo()
    write_report([tmp_path / "run"], out, published="none", anchor="jpeg")
    assert [path.name for path in (out / "pictures").iterdir()] == ["mine.png"]


def test_another_or_missing_original_and_missing_files(make_saved_run: MakeSavedRun, tmp_path: Path) -> None:
    run = make_saved_run(tmp_path / "run")
    run.records["image_sha256"] = "0" * 64
    assert saved_pictures([run]).images[0]["original"] is None
    run.records["dataset"] = "nowhere"
    assert saved_pictures([run]).images[0]["original"] is None
    next((tmp_path / "run" / "pictures").iterdir()).unlink()
    assert len(saved_pictures([run]).images[0]["points"]) == 3
