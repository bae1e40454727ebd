from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lic_bench.report.frames.variant_gains import variants_frame
from lic_bench.report.tables.table import Row
from lic_bench.report.tables.variants_table import variants_table
from lic_bench.report.write_report import write_report
from lic_bench.store.run_folder import Run
from lic_bench.terminal.variant_summary import variant_summary

KEYS = ("qualities", "encode_speed_up", "bytes_pct", "psnr_db", "memory_pct", "largest_difference", "state")


@pytest.fixture
def run(make_run: Callable[..., Run], tmp_path: Path) -> Run:
    return make_run(tmp_path / "run", {"elic": 1.0, "elic@bf16": 1.02, "tcm-large@bf16": 1.0}, images=2)


def rows_of(run: Run, **changes: Any) -> list[Row]:
    frame = variants_frame(run)
    return list(variants_table(frame.assign(**{key: [value] * len(frame) for key, value in changes.items()})).rows)


def texts(row: Row) -> list[str]:
    return [row.cells[key].text for key in KEYS]


def test_changes_have_their_sign(run: Run) -> None:
    first, _ = rows_of(run, psnr_change_db=-0.0123, memory_change=-0.25, largest_difference=3.0)
    assert texts(first) == ["1..4", "1.00", "+2.00", "-0.012", "-25.0", "3", "yes"]
    first, _ = rows_of(run, bytes_equal=True, qualities=(1, 3))
    assert texts(first) == ["1, 3", "1.00", "equal", "0.000", "0.0", "-", "yes"]


def test_a_missing_base_is_a_dash_that_says_what_to_measure(run: Run) -> None:
    _, alone = rows_of(run)
    assert texts(alone) == ["1..4", *"-----", "yes"]
    for key in ("encode_speed_up", "decode_speed_up", "bytes_pct", "psnr_db", "memory_pct"):
        assert "measure both: --codecs tcm-large,tcm-large@bf16." in alone.cells[key].notes[0]


def test_lost_sync_comes_before_other_failures(run: Run) -> None:
    row, _ = rows_of(run, n_failed=3, n_out_of_sync=1, error="decoder out of sync: ...")
    assert (row.cells["state"].text, row.cells["state"].notes) == ("no, 1 of 8", ("decoder out of sync: ...",))
    row, _ = rows_of(run, n_failed=3, error="out of memory")
    assert row.cells["state"].text == "failed, 3 of 8"


def test_the_table_is_on_the_page_and_in_the_terminal(run: Run, tmp_path: Path) -> None:
    written = write_report([run.folder], tmp_path / "report", published="none", anchor="elic")
    assert 'id="variants"' in written.index.read_text(encoding="utf-8")
    console = Console(width=110, record=True)
    written.show(console)
    assert "Variants against their bases" in console.export_text()
    summary = variant_summary(run.folder, 110)
    assert summary is not None
    console.print(summary)
    assert "ELIC bf16" in console.export_text()


def test_a_run_without_variants_has_no_such_table(make_run: Callable[..., Run], tmp_path: Path) -> None:
    assert variant_summary(make_run(tmp_path / "run", {"elic": 1.0}, images=1).folder, 110) is None
