"""The five tables of the paper: what is printed, and what of ours stands beside it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench.report.frames.report_data import ReportData, gather_report_data
from lic_bench.report.tables.paper_tables import FROM_POINTS, paper_tables
from lic_bench.report.tables.table import Cell, Table
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def points() -> list[Table]:
    """The tables without any run."""
    return paper_tables(gather_report_data([], "paper", "vtm-9.1", "pchip"))


def cell(table: Table, row: str, key: str) -> Cell:
    found = [r for r in table.rows if r.cells["row"].text == row]
    assert len(found) == 1
    return found[0].cells.get(key, Cell("-"))


def test_without_runs_bd_rates_come_from_the_published_points(points: list[Table]) -> None:
    ours = cell(points[0], "TCM-large", "bd_rate_psnr_pct_clic_ours")
    assert (ours.text, ours.notes) == ("-9.14", (FROM_POINTS,))
    assert cell(points[0], "TCM-large", "bd_rate_psnr_pct_clic_printed").text == "-9.41"
    assert cell(points[0], "FAT", "dec_s_printed").text == ">10.000"
    assert cell(points[3], "LALIC (Ours)", "bd_rate_msssim_pct_kodak_ours").text == "-51.31"
    assert cell(points[3], "MLIC++", "bd_rate_msssim_pct_kodak_ours").text == "-"
    assert {row.provenance for table in points for row in table.rows} == {"published"}
    assert "enc_s_ours" not in [column.key for column in points[0].shown_columns]


@pytest.mark.parametrize("row", ["2,2,2,2 Conv", "2,4,6,2 Conv", "2,4,6,6 Conv", "2,4,6,6 RWKV"])
def test_counted_their_way_table_2_is_the_papers(points: list[Table], row: str) -> None:
    for quantity in ("flops_g", "params_m"):
        printed, theirs = (cell(points[1], row, f"{quantity}_{side}").text for side in ("printed", "their_way"))
        assert printed == theirs


def test_tables_3_and_5(points: list[Table]) -> None:
    assert cell(points[2], "AFT+Shift", "delta_flops_g_ours").text == "4.9085"
    assert cell(points[2], "AFT+Shift", "params_m_their_way").text == "63.24"
    assert [row.cells["ops_ld_ours"].text for row in points[4].rows] == [
        row.cells["ops_ld_printed"].text for row in points[4].rows
    ]


@pytest.fixture(scope="module")
def data(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    """A run of random weights, and one of trained ones that counted nothing."""
    home = tmp_path_factory.mktemp("runs")
    trained = {"lalic": 0.5, "lalic-2-2-2-2-conv": 1.0, "lalic-2-4-6-2-conv": 0.9}
    runs = [
        make_run(home / "fresh", {"lalic": 1.0}, weights={"lalic": "random"}),
        make_run(home / "mine", trained | {"fat-msssim": 1.0, "mlic-plus-plus-msssim": 0.5}),
    ]
    return gather_report_data(runs, "paper", "vtm-9.1", "pchip")


def test_what_a_run_measured_stands_beside_what_is_printed(data: ReportData) -> None:
    one, _, _, four, _ = paper_tables(data)
    measured = data.bd[(data.bd.provenance == "measured") & (data.bd.dataset == "kodak")].set_index(["codec", "metric"])
    found = cell(one, "LALIC (Ours)", "bd_rate_psnr_pct_kodak_ours")
    assert found.text == f"{measured.pchip['lalic', 'psnr_db']:.2f}"
    assert found.notes[-1] == "Run mine."
    assert cell(one, "LALIC (Ours)", "bd_rate_psnr_pct_clic_ours").notes == (FROM_POINTS,)
    assert cell(one, "LALIC (Ours)", "dec_s_ours").text == "0.050"
    assert "Run mine on cpu" in cell(one, "LALIC (Ours)", "dec_s_ours").notes[0]
    assert "Run fresh on cpu" in cell(one, "LALIC (Ours)", "flops_g_ours").notes[0]  # counted in that run alone
    for row, codec in (("FAT", "fat-msssim"), ("MLIC++", "mlic-plus-plus-msssim")):
        expected = f"{measured.pchip[codec, 'ms_ssim_db']:.2f}"
        assert cell(four, row, "bd_rate_msssim_pct_kodak_ours").text == expected
    assert [row.provenance for row in four.rows].count("measured") == 2


def test_trained_ablations_have_bd_rates_against_the_first_one(data: ReportData) -> None:
    ours = {r.cells["row"].text: r.cells.get("bd_rate_pct_ours", Cell("-")).text for r in paper_tables(data)[1].rows}
    assert ours == {
        "2,2,2,2 Conv": "0.00",
        "2,4,6,2 Conv": "-10.00",
        "2,4,6,6 Conv": "-",
        "2,4,6,6 Conv Plus": "-",
        "2,4,6,6 RWKV": "-50.00",
    }


def test_another_anchor_or_other_images_fill_no_cell(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "few", {"lalic": 0.5, "jpeg": 1.0}, images=4)
    table = paper_tables(gather_report_data([run], "paper", "jpeg", "pchip"))[0]
    assert {row.cells.get("bd_rate_psnr_pct_kodak_ours", Cell("-")).text for row in table.rows} == {"-"}


def test_nobody_who_wants_one_curve_gets_them() -> None:
    assert paper_tables(gather_report_data([], "lalic", "vtm-9.1", "pchip")) == []
