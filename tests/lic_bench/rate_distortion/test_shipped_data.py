"""The data of the repository, of an installed package, and of neither."""

from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.rate_distortion import published, shipped_data
from lic_bench.rate_distortion.shipped_data import shipped_files


def test_the_repository_comes_before_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped_data, "__file__", str(tmp_path / "lic_bench" / "rate_distortion" / "shipped_data.py"))
    assert shipped_files("published/tables.json") == []
    with pytest.raises(UserError, match="install it again"):
        published._published_folder.__wrapped__()
    for folder in ("lic_bench/data", "results"):
        file = tmp_path / folder / "published" / "tables.json"
        file.parent.mkdir(parents=True)
        file.write_text("{}")
        assert shipped_files("published/*.json") == [file]


def test_published_data_and_reference_runs_are_there() -> None:
    assert len(shipped_files("published/tables.json")) == 1
    runs = {file.parent.name for file in shipped_files("measured/*/run.json")}
    assert runs == {
        "kodak",
        "kodak-cool-chic",
        "kodak-lalic-small",
        "kodak-times",
        "kodak-vtm-ycbcr10",
        "kodak-vtm-ycbcr8",
    }
