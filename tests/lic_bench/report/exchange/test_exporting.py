"""Runs go out in every format; what comes back in is what the report says of the run."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from lic_bench.errors import UserError
from lic_bench.report.exchange.exporting import FORMATS, export
from lic_bench.report.exchange.importing import import_files
from lic_bench.report.frames.rd_points import imported_points, rd_points
from lic_bench.store.mean_curves import Imported
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
SHARED = ["codec", "label", "dataset", "image_set", "quality", "bpp", "psnr_db", "ms_ssim_db", "ms_ssim", "n_images"]


@pytest.mark.parametrize(("name", "file"), [("csv", "points.csv"), ("compressai", "folder")])
@pytest.mark.parametrize("images", [4, 24])
def test_the_points_of_a_run_come_back(make_run: MakeRun, tmp_path: Path, name: str, file: str, images: int) -> None:
    """Over the same images as the run's: all of Kodak's, or four of them, which are not taken for all."""
    run = make_run(tmp_path / "run", {"jpeg": 1.0, "webp": 0.9}, images=images)
    out = tmp_path / file
    export(run.folder, name, out)
    import_files([out if out.is_file() else out / next(out.iterdir())], tmp_path / "back")
    back = imported_points(Imported(tmp_path / "back"))
    pd.testing.assert_frame_equal(back[SHARED], rd_points(run)[SHARED])
    assert back.image_set.iloc[0].startswith("kodak [4 images, " if images == 4 else "kodak")


def test_times_and_who_measured_go_along(make_run: MakeRun, tmp_path: Path) -> None:
    export(make_run(tmp_path / "run", {"jpeg": 1.0}).folder, "compressai", tmp_path / "out")
    values = json.loads((tmp_path / "out/kodak/jpeg.json").read_text())
    assert values["name"] == "JPEG"
    assert values["results"]["encoding_time"] == pytest.approx([0.01, 0.02, 0.03, 0.04])
    assert values["results"]["decoding_time"] == pytest.approx([0.02, 0.04, 0.06, 0.08])
    assert values["lic_bench"]["measured_by"] == "lic-bench, Example CPU, run run"


def test_what_came_in_goes_out_with_its_sources(make_run: MakeRun, tmp_path: Path) -> None:
    export(make_run(tmp_path / "run", {"jpeg": 1.0}).folder, "csv", tmp_path / "1.csv")
    import_files([tmp_path / "1.csv"], tmp_path / "in")
    for name, out in (("csv", "2.csv"), ("compressai", "folder"), ("parquet", "2.parquet")):
        export(tmp_path / "in", name, tmp_path / out)
    import_files([tmp_path / "2.csv"], tmp_path / "again")
    first, second = (Imported(tmp_path / folder).curves[0] for folder in ("in", "again"))
    assert second.points == first.points
    assert second.measured_by == first.measured_by
    assert second.sources[:1] == first.sources
    assert [source.split(",")[0] for source in second.sources] == ["1.csv", "2.csv"]
    assert json.loads((tmp_path / "folder/kodak/jpeg.json").read_text())["lic_bench"]["sources"] == first.sources
    rows = pd.read_parquet(tmp_path / "2.parquet")
    assert list(rows.psnr_db) == [point["psnr_db"] for point in first.points]
    assert list(rows.sources[0]) == first.sources


def test_a_point_that_lacks_images_is_left_out_and_said(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, failing=[("jpeg", 2, 0)])
    exported = export(run.folder, "csv", tmp_path / "points.csv")
    (said,) = exported.left_out
    assert said.startswith("jpeg, quality 2 on kodak, is left out: 23 images were coded, 1 failed")
    assert list(pd.read_csv(tmp_path / "points.csv").quality) == [1, 3, 4]


def test_a_metric_that_a_point_lacks_is_said(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, images=1)
    lines = (run.folder / "records.jsonl").read_text().splitlines(keepends=True)
    exact = json.loads(lines[-1]) | {"psnr_db": None, "mse_8bit": 0.0}
    (run.folder / "records.jsonl").write_text("".join(lines[:-1]) + json.dumps(exact) + "\n")
    exported = export(run.folder, "compressai", tmp_path / "out")
    assert [said.partition(":")[2] for said in exported.left_out] == [" psnr_db is not known of all points"]
    (file,) = (name for name in exported.files if name.endswith("jpeg.json"))
    assert "psnr-rgb" not in json.loads((tmp_path / "out" / file).read_text())["results"]


@pytest.mark.parametrize("name", ["csv", "compressai", "codec-compare"])
def test_random_weights_have_nothing_to_export(make_run: MakeRun, tmp_path: Path, name: str) -> None:
    run = make_run(tmp_path / "run", {"lalic": 1.0}, weights={"lalic": "random"})
    with pytest.raises(UserError, match="random weights"):
        export(run.folder, name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bad_input_writes_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, images=1)
    with pytest.raises(UserError, match=r"Unknown format 'parket'\. Did you mean 'parquet'"):
        export(run.folder, "parket", tmp_path / "out")
    with pytest.raises(UserError, match="is no run"):
        export(tmp_path, "csv", tmp_path / "out")
    export(run.folder, "csv", tmp_path / "1.csv")
    import_files([tmp_path / "1.csv"], tmp_path / "in")
    with pytest.raises(UserError, match="holds means alone"):
        export(tmp_path / "in", "codec-compare", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_there_stays(make_run: MakeRun, tmp_path: Path, name: str) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, images=1)
    out = tmp_path / "out"
    out.write_text("mine")
    with pytest.raises(UserError, match="is there already; choose another --out"):
        export(run.folder, name, out)
    assert out.read_text() == "mine"
    with pytest.raises(UserError, match=r"choose another --out|give --out the name of a new one"):
        export(run.folder, name, run.folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


def test_a_place_that_cannot_be_written_is_one_line(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, images=1)
    (tmp_path / "file").touch()
    for name in FORMATS:
        with pytest.raises(UserError, match=r"Cannot write .*choose another --out"):
            export(run.folder, name, tmp_path / "file" / "out")


def test_without_pyarrow_the_error_names_the_extra(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, images=1)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"pip install 'lic-bench\[parquet\]'"):
        export(run.folder, "parquet", tmp_path / "out")
