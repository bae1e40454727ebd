"""The tables of uncertainty and of budgets as they are read, and what their captions say of a common window."""

from collections.abc import Callable, Mapping

import pytest

from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.report.tables.all_tables import all_tables
from lic_bench.report.tables.notations import to_markdown
from lic_bench.report.tables.table import Table
from lic_bench.store.run_folder import Run


@pytest.fixture(scope="module")
def tables(make_run: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Table]:
    run = make_run(tmp_path_factory.mktemp("report") / "run", {"jpeg": 1.0, "webp": 0.8})
    return all_tables(gather_report_data([run], "elic", "jpeg", "pchip", common_window=True), (8.0,))


def test_a_row_has_its_interval_or_none(tables: Mapping[str, Table]) -> None:
    rows = {row.cells["method"].text: row.cells for row in tables["bd_uncertainty"].rows}
    webp = rows["WebP"]
    assert (webp["bd_rate"].text, webp["interval"].text) == ("-20.00", "-20.00 .. -20.00")
    assert (webp["mean"].notes, webp["group"].text, rows["JPEG"]["group"].text) == ((), "1", "2")
    assert (webp["methods_spread"].text, webp["bd_psnr_db"].text) == ("0.00", "0.80")
    assert (rows["ELIC"]["interval"].text, rows["ELIC"]["interval"].value) == ("-", None)
    assert "Of published and imported curves only means are known" in tables["bd_uncertainty"].caption


def test_budgets_are_in_milliseconds(tables: Mapping[str, Table]) -> None:
    (row, *_) = [row.cells for row in tables["budgets"].rows if row.cells["times"].text == "measured, Example CPU"]
    texts = [row[key].text for key in ("operation", "budget_ms", "method", "bd_rate", "time_ms")]
    assert texts == ["decode", "50", "WebP", "-20.00", "50.0"]


@pytest.mark.parametrize("name", ["table1", "bd_rate", "bd_uncertainty", "budgets"])
def test_a_common_window_is_said_with_its_limits(tables: Mapping[str, Table], name: str) -> None:
    assert "All BD-rates of a data set are over one window of quality" in tables[name].caption
    assert "(from ELIC, to JPEG)" in to_markdown(tables[name])
    assert "one window" not in tables["rd_points"].caption
