"""Table 1 of the paper out of the published points, rows of made-up runs beside it, and the notations."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from lic_bench.errors import UserError
from lic_bench.report.figures.report_figures import report_figures
from lic_bench.report.frames.rd_points import rd_points
from lic_bench.report.frames.report_data import ReportData, gather_report_data
from lic_bench.report.reference_runs import choose_references
from lic_bench.report.tables.codec_columns import ONLY_DECODES
from lic_bench.report.tables.cost_tables import complexity_table, failures_table, latency_table, memory_table
from lic_bench.report.tables.notations import to_csv, to_html, to_latex, to_markdown
from lic_bench.report.tables.rd_tables import EXACT, bd_table, rd_table, sources_table
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, text_cell
from lic_bench.report.tables.table1 import table1
from lic_bench.report.tables.terminal import to_rich
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run, Store

MakeRun = Callable[..., Run]

PRINTED = {
    "kodak": {
        **{"Minnen20": 1.11, "Cheng20-Parallel": 4.08, "ELIC": -7.02, "MambaVC": -9.73, "TCM-large": -11.73},
        **{"FAT": -14.56, "MLIC++": -15.02, "LALIC": -15.26, "VTM-9.1": 0.0},
    },
    "clic": {"FAT": -10.79, "MLIC++": -14.45, "LALIC": -15.41},
    "tecnick": {"TCM-large": -10.93, "FAT": -14.40, "MLIC++": -17.21, "LALIC": -17.63},
}
DIFFERENT = {
    ("ELIC", "clic"): (-1.19, -1.33),
    ("ELIC", "tecnick"): (-7.64, -7.94),
    ("TCM-large", "clic"): (-9.41, -9.14),
}


@pytest.fixture(scope="module")
def paper() -> ReportData:
    return gather_report_data([], "paper", "vtm-9.1", "pchip")


def cell(table: Table, method: str, key: str, source: str = "published") -> Cell:
    rows = [r for r in table.rows if r.cells["method"].text == method and r.cells["source"].text == source]
    assert len(rows) == 1
    return rows[0].cells.get(key, Cell("-"))


@pytest.mark.parametrize("dataset", PRINTED)
def test_the_papers_bd_rates_come_out_of_the_published_points(paper: ReportData, dataset: str) -> None:
    table = table1(paper)
    for method, value in PRINTED[dataset].items():
        found = cell(table, method, f"bd_{dataset}")
        assert found.text == f"{value:.2f}"
        assert found.notes == ()


@pytest.mark.parametrize(("method", "dataset"), DIFFERENT)
def test_where_the_paper_prints_another_value_a_footnote_says_so(paper: ReportData, method: str, dataset: str) -> None:
    printed, ours = DIFFERENT[method, dataset]
    found = cell(table1(paper), method, f"bd_{dataset}")
    assert found.text == f"{ours:.2f}"
    assert f"The paper prints {printed:.2f}; the published points give {ours:.2f}." in found.notes[0]


def test_printed_costs_are_marked_as_published(paper: ReportData) -> None:
    table = table1(paper)
    assert [row.cells["method"].text for row in table.rows][-1] == "LALIC"
    assert len(table.rows) == 9
    assert cell(table, "LALIC", "dec_s").value == 0.150
    assert cell(table, "FAT", "dec_s").text == ">10.000"
    assert "RTX 4090" in cell(table, "LALIC", "source").notes[0]
    assert {row.provenance for row in table.rows} == {"published"}
    assert cell(table, "LALIC", "bd_kodak").best


def test_ms_ssim_as_in_table_4(paper: ReportData) -> None:
    table = bd_table(paper, "ms_ssim_db")
    values = {row.cells["method"].text: row.cells["pchip"] for row in table.rows}
    assert [c.text for c in values.values()] == ["-7.57", "-51.64", "-51.31"]
    assert values["LALIC (MS-SSIM)"].notes == ("The paper's Table 4 prints -51.23; the published points give -51.31.",)


def test_a_run_optimised_for_ms_ssim_is_in_table_4_and_not_in_table_1(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", {"fat-msssim": 1.0, "mlic-plus-plus-msssim": 0.5, "fat": 1.0})
    data = gather_report_data([run], "paper", "vtm-9.1", "pchip")
    mine = {
        table.name: {row.cells["method"].text: row.cells for row in table.rows if row.provenance == "measured"}
        for table in (table1(data), bd_table(data, "psnr_db"), bd_table(data, "ms_ssim_db"))
    }
    assert list(mine["table1"]) == list(mine["bd_rate"]) == ["FAT"]
    table4 = mine["bd_rate_ms_ssim"]
    assert list(table4) == ["FAT (MS-SSIM)", "MLIC++ (MS-SSIM)", "FAT"]
    assert {cells["anchor"].text for cells in table4.values()} == {"VTM-9.1 (LALIC authors' run)"}
    whole, half = (1 + table4[name]["pchip"].value / 100 for name in ("FAT (MS-SSIM)", "MLIC++ (MS-SSIM)"))
    assert half == pytest.approx(whole / 2, rel=1e-3)
    assert table1(data).caption.endswith("(MS-SSIM) alone: FAT (MS-SSIM), MLIC++ (MS-SSIM).")


def test_details_hold_all_methods_and_the_error_bar(paper: ReportData) -> None:
    row = bd_table(paper, "psnr_db").rows[7].cells
    shown = [
        row[key].text for key in ("method", "pchip", "cubic", "akima", "loo", "overlap_pct", "range_db", "n_points")
    ]
    assert shown == ["LALIC", "-15.26", "-15.51", "-15.30", "-15.82 .. -14.60", "42", "29.26 .. 37.93", "6"]


def test_the_method_can_be_chosen() -> None:
    assert cell(table1(gather_report_data([], "lalic", "vtm-9.1", "cubic")), "LALIC", "bd_kodak").text == "-15.51"
    with pytest.raises(UserError, match="Unknown BD-rate method 'spline'"):
        gather_report_data([], "paper", "vtm-9.1", "spline")


def test_nothing_to_report_is_an_error() -> None:
    with pytest.raises(UserError, match="Nothing to report"):
        gather_report_data([], "none", "vtm-9.1", "pchip")


def test_everything_published_has_its_row() -> None:
    table = table1(gather_report_data([], "all", "vtm-9.1", "pchip"))
    names = [row.cells["method"].text for row in table.rows]
    assert len(names) > 60
    assert names[8] == "LALIC"
    assert not any("(MS-SSIM)" in name for name in names)
    assert cell(table, "HPCM-Large", "bd_kodak").text == "-19.95"


def test_random_weights_show_the_published_bd_rate_marked_as_such(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", {"lalic": 1.0}, weights={"lalic": "random"}, device="cuda:0", images=2)
    table = table1(gather_report_data([run], "paper", "vtm-9.1", "pchip"))
    found = cell(table, "LALIC", "bd_kodak", "mine")
    assert found.text == "-15.26"
    assert "not measured here" in found.notes[0]
    assert "entropy coder" in cell(table, "LALIC", "dec_s", "mine").notes[0]
    assert cell(table, "LALIC", "dec_s", "mine").text == "0.050"  # mean over qualities of 20, 40, 60, 80 ms
    assert cell(table, "LALIC", "flops_g", "mine").text == "286.16"
    assert cell(table, "LALIC", "mem_gb", "mine").text == "0.400"
    assert "Example GPU" in cell(table, "LALIC", "source", "mine").notes[0]
    assert cell(table1(gather_report_data([run], "none", "vtm-9.1", "pchip")), "LALIC", "bd_kodak", "mine").text == "-"


def test_other_images_than_the_anchors_are_not_compared(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", {"jpeg": 1.0}, images=4)
    found = cell(table1(gather_report_data([run], "paper", "vtm-9.1", "pchip")), _label("jpeg"), "bd_kodak", "mine")
    assert found.text == "-"
    assert found.notes[0].startswith("Not comparable: VTM-9.1 is known over the 24 whole images of Kodak")


def test_a_measured_anchor_and_runs_side_by_side(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [
        make_run(tmp_path / name, {"jpeg": 1.0, "webp": factor}, dataset="sample", images=2, failing=failing)
        for name, factor, failing in (("one", 0.9, ()), ("two", 0.5, {("webp", 1, 0)}))
    ]
    table = table1(gather_report_data(runs, "none", "jpeg", "pchip"))
    assert cell(table, _label("webp"), "bd_sample", "one").text == "-10.00"
    assert cell(table, _label("webp"), "bd_sample", "two").text == "-50.00"
    assert cell(table, _label("webp"), "failed", "two").text == "1/8"
    assert {row.provenance for row in table.rows} == {"measured"}


def test_without_an_anchor_the_caption_says_why(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", {"jpeg": 1.0}, dataset="sample", images=2)
    table = table1(gather_report_data([run], "none", "vtm-9.1", "pchip"))
    assert [c.key for c in table.columns] == ["method", "source", "enc_s", "dec_s", "mem_gb", "flops_g", "params_m"]
    assert "VTM-9.1 has no PSNR curve on sample" in table.caption


def test_costs_in_detail(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", {"lalic": 1.0}, weights={"lalic": "random"}, images=2, failing={("lalic", 4, 1)})
    data = gather_report_data([run], "paper", "vtm-9.1", "pchip")
    latency = latency_table(data)
    assert latency.rows[0].cells["decode_median_ms"].text == "20.0"
    assert latency.rows[0].cells["encode_cold_ms"].text == "1000.0"
    assert memory_table(data).rows[0].cells["encode_rss_growth_mb"].text == "400.0"
    complexity = complexity_table(data).rows[0].cells
    assert [complexity[k].text for k in ("gmac", "kmac_per_pixel", "uncounted")] == ["286.16", "727.7", "BiWKV x 20"]
    assert [complexity[k].text for k in ("paper_gmac", "paper_params_m")] == ["286.16", "63.24"]
    assert failures_table(data).rows[0].cells["error"].text == "decoder out of sync"
    assert len(sources_table(data).rows) > 20


SMALL = Table(
    "small",
    "Small & neat",
    "A caption with 50 %.",
    [Column("name", "Name", align="left"), Column("x", "x", "Group"), Column("y", "y_1", "Group")],
    [
        Row("published", {"name": Cell("a|b <c>", "a|b <c>"), "x": number_cell(-1.5, 2, notes=["Why."], best=True)}),
        Row("measured", {"name": Cell("d", "d"), "x": number_cell(0.001, 2), "y": number_cell(None, 1)}),
    ],
)


def test_markdown() -> None:
    assert to_markdown(SMALL) == (
        "### Small & neat\n\nA caption with 50 %.\n\n"
        "| Name | Group x | Group y_1 |\n| --- | ---: | ---: |\n"
        "| a\\|b &lt;c> | **-1.50**<sup>a</sup> | - |\n| d | 0.00 | - |\n\n<sup>a</sup> Why.  \n"
    )


def test_csv_holds_bare_values() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(SMALL))))
    assert rows[0] == {"name": "a|b <c>", "x": "-1.5", "y": "", "provenance": "published", "notes": "x: Why."}
    assert rows[1]["x"] == "0.001"


def test_latex() -> None:
    latex = to_latex(SMALL)
    assert r"\caption{Small \& neat. A caption with 50 \%.}" in latex
    assert r"& \multicolumn{2}{c}{Group} \\" in latex
    assert r"\cmidrule(lr){2-3}" in latex
    assert r"a|b \textless{}c\textgreater{} & \textbf{$-1.50$}\textsuperscript{a} & - \\" in latex
    for rule in ("toprule", "midrule", "bottomrule"):
        assert latex.count(rf"\{rule}") == 1


def test_html_escapes() -> None:
    html = to_html(SMALL)
    assert "a|b &lt;c&gt;" in html
    assert '<td class="right"><b>\N{MINUS SIGN}1.50</b><sup title="Why.">a</sup></td>' in html
    assert '<tr class="published">' in html


def test_a_page_shows_long_lists_by_their_length_and_keeps_short_texts_whole() -> None:
    columns = [Column("a", "A", align="left"), Column("ops", "Ops", align="left", folded="kinds")]
    rows = [Row("measured", {"a": text_cell("VTM-9.1"), "ops": text_cell(ops)}) for ops in ("x<y 1, b 2, c 3", "b 2")]
    table = Table("t", "T", "", columns, [*rows, Row("measured", {"a": text_cell("long " * 9), "ops": text_cell("-")})])
    html = to_html(table)
    assert "<details><summary>3 kinds</summary>x&lt;y 1, b 2, c 3</details>" in html
    assert html.count("<details>") == 1
    assert '<td class="left short">VTM-9.1</td>' in html
    assert '<td class="left">long long' in html
    assert "x<y 1, b 2, c 3" in to_csv(table)
    assert "b 2, c 3 |" in to_markdown(table)
    assert "<table>" in html
    wide = [Column(f"c{i}", "C") for i in range(12)]
    cells = {column.key: Cell("1") for column in wide}
    assert '<table class="wide">' in to_html(replace(table, columns=wide, rows=[Row("measured", cells)]))


def test_the_terminal_table_fits_100_columns(paper: ReportData) -> None:
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(to_rich(table1(paper)))
    shown = console.export_text()
    assert "LALIC            published a   0.274   0.150 0.841 286.16  63.24 -15.26   -15.41   -17.63" in shown
    assert "…" not in shown


def test_a_narrow_terminal_leaves_optional_columns_out_and_says_so(paper: ReportData) -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(to_rich(table1(paper), 80))
    shown = console.export_text()
    assert "Cheng20-Parallel published a   0.090   0.042" in shown
    assert "Not shown at this width: FLOPs(G), Params(M)." in " ".join(shown.split())


def test_footnotes_are_lettered_beyond_z() -> None:
    rows = [Row("measured", {"x": number_cell(i, 0, notes=[f"note {i}"])}) for i in range(28)]
    table = Table("t", "T", "", [Column("x", "x")], rows)
    assert [table.mark(row.cells["x"]) for row in rows][-3:] == ["z", "aa", "ab"]


def _label(codec: str) -> str:
    from lic_bench.report.labels import codec_label

    return codec_label(codec)


def mixed(make_run: MakeRun, tmp_path: Path) -> ReportData:
    """A run over four Kodak images, so that only its own JPEG can be its anchor, beside the paper's rows."""
    run = make_run(tmp_path / "four", {"jpeg": 1.0, "webp": 0.3, "lalic": 1.0}, images=4, weights={"lalic": "random"})
    return gather_report_data([run], "paper", "vtm-9.1,jpeg", "pchip")


def test_another_anchor_is_named_and_never_ranks_beside_the_first(make_run: MakeRun, tmp_path: Path) -> None:
    data = mixed(make_run, tmp_path)
    table = table1(data)
    webp = cell(table, "WebP", "bd_kodak", "four")
    assert (webp.text, webp.best) == ("-70.00", False)
    assert webp.notes == ("Against JPEG: VTM-9.1 is not known over these images.",)
    assert cell(table, "LALIC", "bd_kodak").best
    assert not cell(table, "LALIC", "bd_kodak", "four").best  # borrowed from the published curve
    assert "(or, where footnoted, JPEG)" in table.caption
    assert "parameters are thop's" in table.caption
    anchors = {row.cells["method"].text: row.cells["anchor"].text for row in bd_table(data, "psnr_db").rows}
    assert (anchors["WebP"], anchors["MLIC++"]) == ("JPEG", "VTM-9.1")
    assert not {"JPEG", "VTM-9.1"} & anchors.keys(), "an anchor against itself"


def test_a_bd_rate_over_other_pictures_says_so_and_is_never_the_best(make_run: MakeRun, tmp_path: Path) -> None:
    sharp = make_run(tmp_path / "sharp", {"jpeg": 1.0, "webp": 0.8, "bpg": 0.7}, dataset="val", images=2)
    soft = make_run(tmp_path / "soft", {"jpeg": 1.0, "webp": 0.3}, dataset="val", images=2, pictures="blurred")
    table = table1(gather_report_data([sharp, soft], "none", "jpeg", "pchip"))
    webp = cell(table, "WebP", "bd_val", "soft")
    assert (webp.text, webp.best) == ("-70.00", False)
    assert webp.notes == ("Over val, 2 images, which are not the pictures of the other rows.",)
    assert cell(table, "BPG 4:4:4", "bd_val", "sharp").best
    assert cell(table, "BPG 4:4:4", "bd_val", "sharp").notes == ()


def test_the_caption_names_no_anchor_of_rows_that_are_not_shown(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, dataset="sample", images=2)
    data = gather_report_data([run], "paper", "vtm-9.1,jpeg", "pchip")
    assert (data.bd.anchor[data.bd.pchip.notna()] == "JPEG").any(), "itself, on a data set that has no column"
    assert "where footnoted" not in table1(data).caption


def test_figure_1_holds_one_anchor(make_run: MakeRun, tmp_path: Path) -> None:
    figure = next(drawn for drawn in report_figures(mixed(make_run, tmp_path)) if drawn.name == "figure1")
    assert figure.caption.startswith("BD-rate against VTM-9.1;")
    labels = {text.get_text() for text in figure.draw().axes[0].texts}
    assert "LALIC" in labels
    assert not labels & {"WebP", "JPEG"}


def test_memory_is_that_of_the_data_set_of_the_times(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, images=2)
    store = Store(tmp_path / "run", run.info)
    large = dict.fromkeys(("encode_rss_growth", "decode_rss_growth"), 9_000_000_000)
    common = {"quality": 1, "dataset": "clic", "image": "a", "width": 9, "height": 9, "status": "ok"}
    store.records.append(Record(codec="jpeg", **common, payload_bytes=1, psnr_db=30.0, peak_memory_bytes=large))
    store.close()
    found = cell(table1(gather_report_data([Run(tmp_path / "run")], "none", "jpeg", "pchip")), "JPEG", "mem_gb", "run")
    assert found.text == "0.400"


def test_the_memory_of_codecs_that_start_programs_is_shown() -> None:
    (times,) = choose_references("kodak-times")
    table = table1(gather_report_data([Run(times)], "none", "jpeg", "pchip"))
    shown = {row.cells["method"].text: row.cells["mem_gb"].text for row in table.rows}
    assert shown["JPEG"] == "0.027"
    assert [shown[name] for name in ("HEVC (x265)", "AV1 (libaom)", "VVenC 4:2:0")] == ["0.053", "0.069", "0.065"]


def test_what_only_decodes_has_a_dash_for_encoding_and_says_why(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"cool-chic": 0.5, "jpeg": 1.0}, images=2)
    path = run.folder / "records.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    decoding = [row | {"encode_s": []} if row["codec"] == "cool-chic" else row for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in decoding))
    store = Store(run.folder, run.info)
    for quality, macs in ((1, 10**9), (2, 3 * 10**9)):
        count = {"counter": "exact", "path": "decode", "macs": macs, "parameters": 1000 * quality}
        store.complexity.append(Complexity(codec="cool-chic", quality=quality, width=768, height=512, **count))
    store.close()
    data = gather_report_data([Run(run.folder)], "none", "jpeg", "pchip")
    encoding = cell(table1(data), "Cool-chic 3.1", "enc_s", "run")
    assert (encoding.text, encoding.value, encoding.notes) == ("-", None, ONLY_DECODES)
    assert float(cell(table1(data), "Cool-chic 3.1", "dec_s", "run").text) > 0
    assert cell(table1(data), "Cool-chic 3.1", "bd_kodak", "run").text == "-50.00"
    assert [cell(table1(data), "Cool-chic 3.1", key, "run").text for key in ("flops_g", "params_m")] == [
        "2.00",
        "0.0015",
    ]
    first = latency_table(data).rows[0].cells
    assert (first["encode_median_ms"].text, first["encode_median_ms"].notes) == ("-", ONLY_DECODES)
    assert first["decode_median_ms"].value > 0


def test_counters_that_disagree_say_by_what(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"lalic": 1.0}, images=2, weights={"lalic": "random"})
    path = run.folder / "complexity.jsonl"
    thop, exact = map(json.loads, path.read_text().splitlines())
    rows = [
        thop | {"macs": thop["macs"] * 2},
        exact,
        exact | {"path": "encode", "macs": 512 * 768 * 1000},
        thop | {"counter": "fvcore", "macs": None, "status": "failed", "error": "cannot trace"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = complexity_table(gather_report_data([Run(run.folder)], "none", "jpeg", "pchip"))
    found = {(row.cells["counter"].text, row.cells["path"].text): row.cells for row in table.rows}
    assert [c["against_exact_pct"].text for c in found.values()] == ["100.0", "-", "-", "-"]
    assert found["thop", "forward"]["against_exact_pct"].notes == ("LALIC: thop has no rule for BiWKV x 20.",)
    assert found["exact", "encode"]["kmac_per_pixel"].text == "1.0"
    assert found["fvcore", "forward"]["gmac"].notes == ("fvcore: cannot trace",)


def test_operations_at_another_size_are_marked(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"lalic": 1.0}, images=2, weights={"lalic": "random"})
    path = tmp_path / "run/complexity.jsonl"
    path.write_text(path.read_text().replace('"width": 768, "height": 512', '"width": 256, "height": 256'))
    found = cell(table1(gather_report_data([Run(run.folder)], "none", "jpeg", "pchip")), "LALIC", "flops_g", "run")
    assert found.notes == ("Counted at 256 x 256; the paper counts at 768 x 512.",)
    more = json.dumps(json.loads(path.read_text().splitlines()[0]) | {"width": 768, "height": 512})
    path.write_text(path.read_text() + more + "\n")
    assert (
        cell(table1(gather_report_data([Run(run.folder)], "none", "jpeg", "pchip")), "LALIC", "flops_g", "run").notes
        == ()
    )


def test_a_run_that_only_counted_has_its_row(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"lalic": 1.0}, images=2, weights={"lalic": "random"})
    (run.folder / "records.jsonl").write_text("")
    table = table1(gather_report_data([Run(run.folder)], "none", "jpeg", "pchip"))
    assert [row.cells["flops_g"].text for row in table.rows] == ["286.16"]
    assert [row.cells.get("enc_s", Cell("-")).text for row in table.rows] == ["-"]


def test_an_exact_image_is_said_and_its_quality_still_shown(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"webp": 1.0}, images=2)
    path = tmp_path / "run/records.jsonl"
    lines = path.read_text().splitlines()
    exact = {**json.loads(lines[-1]), "psnr_db": None, "ms_ssim": 1.0, "mse_8bit": 0.0}
    path.write_text("\n".join([*lines[:-1], json.dumps(exact)]) + "\n")
    rows = rd_table(gather_report_data([Run(run.folder)], "none", "webp", "pchip")).rows
    notes = [row.cells["psnr_db"].notes for row in rows if row.provenance == "measured"]
    assert notes == [(), (), (), (EXACT,)]


def _without_times(folder: Path, run: Run) -> Run:
    store = Store(folder, run.info)
    for record in run.records.to_dict("records"):
        kept = {name: value for name, value in record.items() if name in ("psnr_db", "ms_ssim", "payload_bytes")}
        same = ("codec", "quality", "dataset", "image", "width", "height", "status", "image_sha256")
        store.records.append(Record(**{name: record[name] for name in same}, **kept))
    store.close()
    return Run(folder)


def test_a_run_of_quality_alone_shows_rates_and_decibels(make_run: MakeRun, tmp_path: Path) -> None:
    timed = make_run(tmp_path / "timed", {"webp": 1.0})
    run = _without_times(tmp_path / "mine", make_run(tmp_path / "jpeg", {"jpeg": 0.5}))
    table = table1(gather_report_data([run], "none", "jpeg", "pchip"))
    points = rd_points(run)
    shown = [cell(table, "JPEG", key, "mine").text for key in ("bpp", "psnr_range_db")]
    ends = [
        f"{points[name].min():.{n}f}\N{EN DASH}{points[name].max():.{n}f}" for name, n in (("bpp", 2), ("psnr_db", 1))
    ]
    assert shown == ends
    assert [column.key for column in table.shown_columns] == ["method", "source", "bpp", "psnr_range_db"]
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(to_rich(table, 100))
    assert "Enc" not in console.export_text().split("BD-rate against")[0]
    both = table1(gather_report_data([run, timed], "none", "jpeg", "pchip"))
    assert cell(both, "WebP", "bpp", "timed").text != "-"
    assert "bpp" in [column.key for column in both.columns]
    reference = table1(gather_report_data([timed, run], "none", "jpeg", "pchip", beside=["mine"]))
    assert "bpp" not in [column.key for column in reference.columns]
