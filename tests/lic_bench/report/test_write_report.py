"""The whole report on disk: files, a page that needs nothing else, and errors of one line."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from lic_bench.errors import UserError
from lic_bench.report import reference_runs
from lic_bench.report.figures.report_figures import report_figures
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.report.html_page import page
from lic_bench.report.write_report import WrittenReport, _open_runs, write_report
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def written(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    """One report on a run with trained, random and classical codecs, one failure and a run of few images."""
    home = tmp_path_factory.mktemp("report")
    weights = {"lalic": "random", "elic": "0123abc"}
    make_run(home / "gpu", {"lalic": 1.0, "elic": 0.9}, weights=weights, device="cuda:0", failing={("elic", 2, 3)})
    make_run(home / "few", {"jpeg": 1.5}, images=3)
    return write_report([home / "gpu", home / "few"], home / "out" / "deep")


def test_every_table_and_figure_is_written_in_every_notation(written: WrittenReport) -> None:
    out = written.index.parent
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert there == {str(path.relative_to(out)) for path in written.files}
    for table in (
        *("table1", "bd_rate", "bd_rate_ms_ssim", "equal_rates", "matched_pairs", "rd_points"),
        *("latency", "memory", "complexity", "failures"),
    ):
        assert {f"{table}.{suffix}" for suffix in ("md", "csv", "tex", "html")} <= there
    for figure in ("figure1", "rd_psnr_kodak", "rd_psnr_kodak_2", "rd_psnr_tecnick", "rd_ms_ssim_kodak"):
        assert {f"figures/{figure}.{suffix}" for suffix in ("svg", "pdf", "png")} <= there


def test_only_the_formats_that_are_asked_for_are_written_and_earlier_ones_go(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "r", {"jpeg": 1.0, "webp": 0.9}, images=2, dataset="sample")
    out, chosen = tmp_path / "out", {"published": "none", "anchor": "jpeg"}
    page = write_report([tmp_path / "r"], out, **chosen).index.read_bytes()
    (out / "mine.txt").touch()
    quick = write_report([tmp_path / "r"], out, **chosen, formats=["md", "html"])
    assert {path.suffix for path in out.rglob("*.*")} == {".md", ".html", ".txt"}
    assert quick.index.read_bytes() == page
    bare = write_report([tmp_path / "r"], out, **chosen, formats=["csv", "png"])
    assert {path.suffix for path in out.rglob("*.*")} == {".csv", ".png", ".txt"}
    assert bare.index == out
    with pytest.raises(UserError, match=r"'pgn'.*png"):
        write_report([tmp_path / "r"], out, **chosen, formats=["csv", "pgn"])


class Page(HTMLParser):
    """Collects ids and references; knows whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"]] if values.get("id") else []
        self.references += [v for k, v in attrs if k in ("src", "href", "xlink:href", "data") and v]
        if tag not in ("meta", "link", "br", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()


def test_the_page_is_whole_and_needs_nothing_else(written: WrittenReport) -> None:
    html = written.index.read_text()
    page = Page()
    page.feed(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {reference.removeprefix("#") for reference in page.references} <= set(page.ids)
    assert not re.search(r"@import|<script[^>]*src|<link|url\((?!#)", html)


def test_the_page_shows_runs_failures_and_provenance(written: WrittenReport) -> None:
    html = written.index.read_text()
    for text in ("Example GPU", "decoder out of sync", "not measured here", "Not comparable", "RTX 4090", "BiWKV x 20"):
        assert text in html
    assert html.count("<svg") == len(list((written.index.parent / "figures").glob("*.svg")))


def test_the_terminal_gets_table_1(written: WrittenReport) -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    written.show(console)
    shown = console.export_text()
    assert "Cheng20-" in shown
    assert "gpu" in shown


def test_the_same_data_gives_the_same_files(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "r", {"jpeg": 1.0, "webp": 0.9}, dataset="sample", images=1)
    one, two = (write_report([tmp_path / "r"], tmp_path / n, published="none", anchor="jpeg") for n in ("one", "two"))
    for first, second in zip(one.files, two.files, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


def test_a_run_of_random_weights_only_gives_a_page(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "r", {"lalic": 1.0}, weights={"lalic": "random"}, dataset="sample", images=1)
    written = write_report([tmp_path / "r"], tmp_path / "out", published="none")
    assert set(written.tables) == {"table1", "latency", "memory", "complexity", "machines"}
    assert [path.suffix for path in written.files].count(".svg") == 0


@pytest.mark.parametrize("counted", [False, True])
def test_a_run_without_records_gives_what_there_is(make_run: MakeRun, tmp_path: Path, counted: bool) -> None:
    make_run(tmp_path / "r", {"elic": 1.0}, images=0, weights={"elic": "random"} if counted else {})
    assert not (tmp_path / "r" / "records.jsonl").exists()
    written = write_report([tmp_path / "r"], tmp_path / "out", published="none")
    assert ("complexity" in written.tables) is counted
    runs = _open_runs([tmp_path / "r"], reference_runs.choose_references("all"))
    assert len(gather_report_data(runs, "none", "jpeg", "pchip").points)


def test_a_name_may_hold_any_letters(make_run: MakeRun, tmp_path: Path) -> None:
    """Dollar signs, which Matplotlib takes for mathematics, bytes that are no UTF-8, and names alike but for these."""
    made = {"mode": "$x^$", "encoder_version": "\udcfe$_$", "ms_ssim": None}
    for place, dataset in enumerate(["a$_$b", "a-_-b", "\udcff$x^$" + "x" * 300]):
        make_run(tmp_path / f"r$_$ {place}", {"a$_$:b": 0.9}, images=2, dataset=dataset, made=made)
    written = write_report([tmp_path / f"r$_$ {n}" for n in range(3)], tmp_path / "out", published="none")
    assert len({path.name for path in written.files if path.suffix == ".svg" and "rd_psnr" in path.name}) == 3
    assert "a$_$b" in written.index.read_text(encoding="utf-8")


def test_warnings_of_a_run_are_shown(make_run: MakeRun, tmp_path: Path) -> None:
    warning = "kodak: im00.png: not the known pixels (sha256 differs); get them again: lic-bench fetch kodak."
    run = make_run(tmp_path / "r", {"jpeg": 1.0}, images=1, warnings=[warning])
    assert warning in page("title", "lead", [], [run])


def test_converted_pictures_are_shown_with_what_was_done(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "one", {"jpeg": 1.0})
    run.info["conversions"] = {"val/a.png": "greyscale (Pillow mode L): R, G and B become the grey level"}
    html = page("Title", "Lead.", [], [run])
    for text in ("converted to 8-bit RGB", "val/a.png", *run.info["conversions"].values()):
        assert text in html


def test_the_terminal_and_the_page_say_which_images_are_missing(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "one", {"jpeg": 1.0, "webp": 0.9}, dataset="val", images=4, failing={("webp", 2, 3)})
    written = write_report([tmp_path / "one"], tmp_path / "out", published="none", anchor="jpeg")
    console = Console(width=200, file=io.StringIO())
    written.show(console)
    note = "Over 3 of 4 images, which all codecs here have; missing: im03.png for WebP."
    assert isinstance(console.file, io.StringIO)
    assert note in console.file.getvalue()
    assert note in written.index.read_text()
    assert "-10.00" in console.file.getvalue()
    assert (tmp_path / "out" / "figures" / "rd_psnr_val_2.svg").is_file()  # all codecs over the three images


def test_times_on_images_of_kodaks_size_enter_figure_1(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"lalic": 1.0}, weights={"lalic": "random"}, dataset="sample", images=1)
    figure = next(report_figures(gather_report_data([run], "lalic", "vtm-9.1", "pchip"))).draw()
    kinds = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "measured, Example CPU on sample (random weights, published BD-rate)" in kinds


def test_runs_of_one_name_are_told_apart(make_run: MakeRun, tmp_path: Path) -> None:
    for place in ("a", "b"):
        make_run(tmp_path / place / "run", {"lalic": 1.0}, weights={"lalic": "random"}, dataset="sample", images=1)
    folders = [tmp_path / "a" / "run", tmp_path / "b" / "run", tmp_path / "b" / "run"]
    table = write_report(folders, tmp_path / "out", published="none").tables["table1"]
    assert [row.cells["source"].text for row in table.rows] == ["a/run", "b/run"]


def test_runs_of_one_name_below_one_name_are_told_apart_too(make_run: MakeRun, tmp_path: Path) -> None:
    for machine, factor in (("a", 0.9), ("b", 0.5)):
        make_run(tmp_path / machine / "results" / "demo", {"jpeg": 1.0, "webp": factor}, images=2)
    folders = [tmp_path / machine / "results" / "demo" for machine in "ab"]
    table = write_report(folders, tmp_path / "out", published="none", anchor="jpeg").tables["bd_rate"]
    found = [row.cells["pchip"].text for row in table.rows if row.cells["method"].text == "WebP"]
    assert sorted(found) == ["-10.00", "-50.00"]


def test_nothing_of_an_earlier_report_stays(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "failing", {"jpeg": 1.0}, images=2, failing={("jpeg", 1, 0)})
    make_run(tmp_path / "sound", {"jpeg": 1.0}, images=2)
    out = tmp_path / "out"
    write_report([tmp_path / "failing"], out, published="bpg", anchor="jpeg")
    assert (out / "failures.csv").exists()
    (out / "mine.txt").write_text("stays")
    written = write_report([tmp_path / "sound"], out, published="none", anchor="jpeg")
    there = {path for path in out.rglob("*") if path.is_file()}
    assert there == {*written.files, out / "mine.txt"}


def test_an_earlier_report_stays_whole_where_another_cannot_be_written(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(tmp_path / "r", {"lalic": 1.0}, images=1, weights={"lalic": "random"})  # without curves to be drawn
    before = write_report([tmp_path / "r"], tmp_path / "out", published="none").files
    texts = {path: path.read_bytes() for path in before}
    monkeypatch.setattr("lic_bench.report.report_folder.page", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report([tmp_path / "r"], tmp_path / "out", published="none", anchor="lalic")
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == texts


def test_errors_are_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cases = {
        "Cannot write the report to": lambda: write_report([], tmp_path / "file" / "out", published="lalic"),
        "is no run": lambda: write_report([tmp_path], tmp_path / "out"),
        "Nothing to report": lambda: write_report([], tmp_path / "out", published="none"),
        "Unknown published codec": lambda: write_report([], tmp_path / "out", published="lalik"),
        "Unknown anchor": lambda: write_report([], tmp_path / "out", anchor="vtm"),
    }
    for message, call in cases.items():
        with pytest.raises(UserError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_reporting_imports_neither_torch_nor_pyplot() -> None:
    code = (
        "import sys, lic_bench.report.write_report; sys.exit(bool({'torch', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
