"""Decoding elsewhere, from the files of `decode-check` to the table."""

import json
from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.report.frames.decode_checks import decode_checks_frame, machine_text
from lic_bench.report.tables.decode_checks_table import decode_checks_table
from lic_bench.store.run_folder import Run
from lic_bench.store.saved_files import DECODE_CHECKS

DECODER = {"processor": "Other CPU", "instructions": "AVX512", "threads": 2, "torch": "2.8.0"}
SAME = {"codec": "jpeg", "outcome": "exact", "largest": 0, "first_pass": None, "passes": 0, "error": ""}
LATE = {"codec": "lalic", "outcome": "other", "largest": 90, "first_pass": 4, "passes": 11, "error": ""}
SOON = {"codec": "lalic", "outcome": "failed", "largest": None, "first_pass": 2, "passes": 11, "error": "string ends"}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    config = {"threads": 1}
    environment = {"cpu": "A CPU", "cpu_capability": "AVX2", "gpu": None, "packages": {"torch": "2.9.1"}}
    (tmp_path / "run.json").write_text(json.dumps({"schema": 9, "config": config, "environment": environment}))
    (tmp_path / DECODE_CHECKS).mkdir()
    check = {"decoder": DECODER, "decodes": [LATE, SAME, SOON, LATE | {"outcome": "near", "first_pass": None}]}
    (tmp_path / DECODE_CHECKS / "one.json").write_text(json.dumps(check))
    return Run(tmp_path, "mine")


def test_a_row_per_codec_and_decoder(run: Run) -> None:
    table = decode_checks_table(decode_checks_frame(run))
    rows = [[row.cells[column.key].text for column in table.columns] for row in table.rows]
    machines = ["A CPU, AVX2, 1 thread, torch 2.9.1", "Other CPU, AVX512, 2 threads, torch 2.8.0"]
    assert rows == [
        ["JPEG", "mine", *machines, "1", "1", "0", "0", "0", "0", "-"],
        ["LALIC", "mine", *machines, "3", "0", "1", "1", "1", "90", "2 of 11"],
    ]
    assert table.rows[1].cells["failed"].notes == ("string ends",)


def test_a_gpu_is_named_without_instructions() -> None:
    assert machine_text({"processor": "H200", "instructions": None, "threads": 8}) == "H200, 8 threads"
    assert machine_text({}) == "unknown"


def test_a_damaged_file_is_one_line(run: Run) -> None:
    (run.folder / DECODE_CHECKS / "one.json").write_text("{}")
    with pytest.raises(UserError, match=r"one\.json is not as .* writes it; remove it"):
        decode_checks_frame(run)
