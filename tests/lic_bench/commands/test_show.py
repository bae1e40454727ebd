"""`lic-bench show`: the files of an image, and what is refused."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lic_bench.cli import app
from lic_bench.errors import UserError
from lic_bench.store.records import Record
from lic_bench.store.saved_files import save

RECORD = Record(codec="jpeg", quality=40, dataset="kodak", image="1.png", width=10, height=8, status="ok")
ROWS = [
    {"saved_picture": "aa", "saved_bitstream": "bb", "payload_bytes": 20, "psnr_db": 30.0},
    {"image": "2.png", "saved_picture": None},
    {"image": "3.png", "saved_picture": "lost"},
    {"quality": 50, "status": "failed", "error": "no luck"},
    {"image": "4.png", "dataset": "clic", "saved_bitstream": "bb"},
    {"image": "4.png", "dataset": "kodak", "saved_bitstream": "bb"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [json.dumps({**asdict(RECORD), "parts": ["quality"], **row}) for row in ROWS]
    (tmp_path / "records.jsonl").write_text("\n".join(lines) + "\n")
    save(tmp_path, "pictures", "aa", b"")
    save(tmp_path, "bitstreams", "bb", b"")
    return tmp_path


def test_the_files_and_figures_of_an_image(folder: Path) -> None:
    shown = CliRunner().invoke(app(), ["show", str(folder), "jpeg", "40", "1.png", "--json"])
    assert json.loads(shown.stdout) == {
        "bpp": 2.0,
        "psnr_db": 30.0,
        "picture": f"{folder}/pictures/aa.png",
        "bitstream": f"{folder}/bitstreams/bb.licb",
    }
    shown = CliRunner().invoke(app(), ["show", str(folder), "jpeg", "40", "clic/4.png", "--json"])
    assert json.loads(shown.stdout) == {"bitstream": f"{folder}/bitstreams/bb.licb"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["jpg", "40", "1.png"], "Unknown codec .* 'jpg'. Did you mean 'jpeg'"),
        (["jpeg", "41", "1.png"], "no quality 41 of jpeg; there are 40, 50"),
        (["jpeg", "40", "one.png"], "Unknown image"),
        (["jpeg", "40", "2.png"], "keeps no files of it; add --save pictures"),
        (["jpeg", "40", "3.png"], "lost.png is not there any more"),
        (["jpeg", "50", "1.png"], "failed: no luck"),
        (["jpeg", "40", "4.png"], "is in clic and kodak; write clic/4.png"),
        (["jpeg", "40", "clic/4.png", "--open"], "keeps no picture of it"),
    ],
)
def test_what_is_not_there_is_one_line(folder: Path, arguments: list[str], message: str) -> None:
    shown = CliRunner().invoke(app(), ["show", str(folder), *arguments])
    assert isinstance(shown.exception, UserError)
    with pytest.raises(UserError, match=message):
        raise shown.exception


def test_a_folder_without_records_is_no_run(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app(), ["show", str(tmp_path), "jpeg", "40", "1.png"])
    assert "is no run with records" in str(shown.exception)
