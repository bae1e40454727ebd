"""The folder of imported curves."""

from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.store.mean_curves import FILE, Imported, MeanCurve, is_imported, write_curves

CURVE = MeanCurve(codec="x", label="X", dataset="kodak", sources=["x.csv"], points=[{"bpp": 0.1, "psnr_db": 30.0}])


def test_curves_come_back_as_they_were_written(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "mine"
    write_curves(folder, [CURVE])
    assert is_imported(folder)
    assert not is_imported(tmp_path)
    assert Imported(folder).curves == [CURVE]
    assert Imported(folder).name == "mine"


def test_a_folder_that_holds_anything_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "theirs.txt").write_text("kept")
    with pytest.raises(UserError, match="not empty; choose another --out"):
        write_curves(tmp_path, [CURVE])
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.txt"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ('{"schema": 2, "curves": []}', "update lic-bench"),
        ('{"schema": 1, "curves": [{"codec": "x"}]}', "label' is missing"),
        ('{"schema": 1, "curves": [], "more": 1}', "'more' is unknown"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        Imported(tmp_path)
    assert "\n" not in str(caught.value)


def test_who_measured_is_said_or_said_to_be_unknown() -> None:
    assert CURVE.origin == "who measured is not stated; x.csv"
    known = MeanCurve(codec="x", label="X", dataset="kodak", measured_by="me", points=[])
    assert known.origin == "measured by: me"
