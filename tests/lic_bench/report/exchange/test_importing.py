"""From files to a folder of curves, by the command line."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import cli
from lic_bench.rate_distortion import published
from lic_bench.store.mean_curves import Imported

CSV = "codec,dataset,bpp,psnr_db\nmine,kodak,0.1,28\nmine,kodak,0.2,30\n"


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["lic-bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return run


def vtm_of_compressai(folder: Path) -> Path:
    """Its results/image/kodak/vtm.json: the layout is CompressAI's, the numbers are those published."""
    points = published.load_points(["vtm-9.1"])
    points = points[points.dataset == "kodak"]
    results = {"psnr-rgb": list(points.psnr_db), "ms-ssim-rgb": list(points.ms_ssim), "bpp": list(points.bpp)}
    path = folder / "kodak" / "vtm.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"name": "VTM", "description": "VTM", "results": results}))
    return path


def test_every_curve_says_where_it_came_from(run_cli: Callable[..., int], tmp_path: Path) -> None:
    path, out = vtm_of_compressai(tmp_path), tmp_path / "out"
    assert run_cli("import", path, "--out", out, "--measured-by", "InterDigital") == 0
    (curve,) = Imported(out).curves
    assert (curve.codec, curve.label, curve.dataset, curve.measured_by) == ("vtm", "VTM", "kodak", "InterDigital")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert curve.sources[0].startswith(f"vtm.json, sha256 {digest}, CompressAI's JSON, imported 20")
    assert len(curve.points) == 8


def test_a_folder_gives_all_its_files(run_cli: Callable[..., int], tmp_path: Path) -> None:
    path = vtm_of_compressai(tmp_path)
    (path.parent / "mine.csv").write_text("\ufeff" + CSV, encoding="utf-8")  # as spreadsheets write it
    (path.parent / "plot.png").touch()
    assert run_cli("import", path.parent, "--out", tmp_path / "out") == 0
    assert [curve.codec for curve in Imported(tmp_path / "out").curves] == ["mine", "vtm"]


def test_what_no_report_shows_is_said(run_cli: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.csv").write_text("bpp,psnr_db,cvvdp\n0.1,28,80\n")
    assert run_cli("import", tmp_path / "a.csv", "--dataset", "kodak", "--out", tmp_path / "out") == 0
    assert "no report shows them: cvvdp" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("points.txt", b"", "no known format, .txt; known: .json (CompressAI's JSON), .csv"),
        ("points", b"", "no known format, without an ending"),
        ("points.csv", b"\xff\xfe", "not text in UTF-8"),
        ("none.csv", None, "Cannot read"),
        ("points.csv", b"bpp\n0.1\n", "no 'psnr_db'"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    run_cli: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, data: bytes, words: str
) -> None:
    good = vtm_of_compressai(tmp_path)
    if data is not None:
        (tmp_path / name).write_bytes(data)
    assert run_cli("import", good, tmp_path / name, "--out", tmp_path / "out") == cli.BAD_INPUT
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_two_curves_of_one_codec_are_refused(
    run_cli: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(CSV)
    assert run_cli("import", tmp_path, "--out", tmp_path / "out") == cli.BAD_INPUT
    assert "a.csv and " in (said := capsys.readouterr().err)
    assert "b.csv both hold mine on kodak" in said


def test_an_empty_folder_and_a_used_one_are_refused(
    run_cli: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run_cli("import", tmp_path / "empty", "--out", tmp_path / "out") == cli.BAD_INPUT
    assert "holds no .json and no .csv file" in capsys.readouterr().err
    path, out = vtm_of_compressai(tmp_path), tmp_path / "out"
    assert run_cli("import", path, "--out", out) == 0
    before = (out / "imported.json").read_bytes()
    assert run_cli("import", path, "--out", out) == cli.BAD_INPUT
    assert "is not empty; choose another --out" in capsys.readouterr().err
    assert (out / "imported.json").read_bytes() == before
