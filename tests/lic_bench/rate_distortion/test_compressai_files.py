"""Curves exchanged with CompressAI's files."""

import json
from pathlib import Path

import pandas as pd
import pytest

from lic_bench.errors import UserError
from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.compressai_files import read_compressai, write_compressai


def test_compressai_files_round_trip(tmp_path: Path) -> None:
    points = published.load_points(["vtm-9.1"]).query("dataset == 'kodak'")
    file = tmp_path / "vtm.json"
    write_compressai(file, points.iloc[::-1], "vtm", "VTM 9.1")
    values = json.loads(file.read_text())
    assert values["name"] == "vtm"
    assert list(values["results"]) == ["bpp", "psnr-rgb", "ms-ssim-rgb"]
    back = read_compressai(file)
    assert back.psnr_db.tolist() == points.psnr_db.tolist()
    assert back.ms_ssim_db.isna().all()
    assert set(back.codec) == {"vtm"}


def test_the_older_names_of_compressai_are_read(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text(json.dumps({"name": "old", "results": {"bpp": [0.1, 0.2], "psnr": [28, 30]}}))
    assert read_compressai(file).psnr_db.tolist() == [28.0, 30.0]


@pytest.mark.parametrize("text", ["[]", "{", '{"results": {}}', '{"results": {"bpp": [1], "psnr-rgb": [1, 2]}}'])
def test_a_file_that_is_none_of_compressais_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(UserError, match="is no CompressAI result file"):
        read_compressai(file)


def test_files_that_cannot_be_reached(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read"):
        read_compressai(tmp_path / "missing.json")
    with pytest.raises(UserError, match="Cannot write"):
        write_compressai(tmp_path / "no" / "x.json", pd.DataFrame({"bpp": [0.1]}), "x")
