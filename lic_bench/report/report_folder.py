"""The files of a report: written beside those of an earlier one, then put in their place."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from lic_bench.measurement.perceptual.registry import METRICS
from lic_bench.report.figures.figure_files import FORMATS as FIGURE_FORMATS
from lic_bench.report.figures.figure_files import write_figure
from lic_bench.report.figures.report_figures import ReportFigure, report_figures
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.html_page import Interactive, Picture, inline_svg, page
from lic_bench.report.interactive.figure_data import figure_data
from lic_bench.report.interactive.plotly_library import plotly_library
from lic_bench.report.interactive.saved_pictures import PICTURES, saved_pictures
from lic_bench.report.labels import METRIC_NAMES, metric_stem
from lic_bench.report.page_sections import interactive_twin, lead, page_sections
from lic_bench.report.tables.all_tables import TABLES
from lic_bench.report.tables.notations import to_csv, to_html, to_latex, to_markdown
from lic_bench.report.tables.per_image_table import NAME as PER_IMAGE
from lic_bench.report.tables.per_image_table import per_image_csv, per_image_table
from lic_bench.report.tables.table import Table
from lic_bench.system.second_process import done_beside

NOTATIONS = {"md": to_markdown, "csv": to_csv, "tex": to_latex, "html": to_html}
FORMATS = (*NOTATIONS, *FIGURE_FORMATS)
INDEX = "index.html"
FIGURES = "figures"  # their folder
TITLE = "Learned image compression, measured"
CURVES = tuple(f"rd_{metric_stem(name)}_*" for name in (*METRIC_NAMES, *METRICS))
STEMS = ("figure1", *CURVES, "phases_*", "figure10")  # of the figures' files


def write_folder(data: ReportData, tables: Mapping[str, Table], out: Path, formats: Sequence[str]) -> list[Path]:
    """Write all into a folder inside `out`, then put it in the place of an earlier report; that stays if this fails.

    formats: of FORMATS. Inside of matplotlib.rc_context(RC_PARAMS).
    """
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".draft-", dir=out) as draft:
        written = [path.relative_to(draft) for path in _write_draft(data, tables, Path(draft), formats)]
        _remove_earlier_report(out)
        for folder in {(out / name).parent for name in written}:
            folder.mkdir(exist_ok=True)
        return [(Path(draft) / name).replace(out / name) for name in written]


def _write_draft(data: ReportData, tables: Mapping[str, Table], out: Path, formats: Sequence[str]) -> list[Path]:
    figures, pictures = _drawn_figures(data, out, formats)
    others = [name for name in FIGURE_FORMATS if name in formats and name != "svg"]
    with done_beside(partial(_write_figures, figures, out, others)):  # half of all the work
        files = _write_tables_and_page(data, tables, pictures, out, formats)
    wanted = [name for name in FIGURE_FORMATS if name in formats]
    return files + [out / FIGURES / f"{figure.name}.{suffix}" for figure in figures for suffix in wanted]


def _write_tables_and_page(
    data: ReportData, tables: Mapping[str, Table], pictures: Sequence[Picture], out: Path, formats: Sequence[str]
) -> list[Path]:
    files = [path for table in tables.values() for path in _write_table(table, out, formats)]
    if len(data.per_image):
        tables = {**tables, PER_IMAGE: per_image_table(data.per_image)}
        if "csv" in formats:
            files.append(out / f"{PER_IMAGE}.csv")
            files[-1].write_text(per_image_csv(data.per_image), encoding="utf-8")
    if "html" in formats:
        files.append(out / INDEX)
        saved = saved_pictures(data.runs)
        interactive = Interactive(plotly_library(), figure_data(data), saved.images, saved.addresses(), saved.inside)
        html = page(TITLE, lead(data), page_sections({**tables}, pictures), data.all_runs, interactive)
        files[-1].write_text(html, encoding="utf-8")
        files += saved.write(out)
    return files


def _drawn_figures(data: ReportData, out: Path, formats: Sequence[str]) -> tuple[list[ReportFigure], list[Picture]]:
    """The figures, of which only SVG is written, and what the page needs of them: of all that is SVG."""
    (out / FIGURES).mkdir(exist_ok=True)
    if not {"html", *FIGURE_FORMATS} & {*formats}:
        return [], []
    figures, pictures = list(report_figures(data)), []
    for figure in figures if {"html", "svg"} & {*formats} else ():
        (path,) = write_figure(figure.figure, out / FIGURES / figure.name, ["svg"])
        svg = inline_svg(path.read_text(encoding="utf-8"), figure.name)
        pictures.append(Picture(figure.name, figure.title, figure.caption, svg, interactive_twin(figure.name)))
    return figures, pictures


def _write_figures(figures: Sequence[ReportFigure], out: Path, formats: Sequence[str]) -> None:
    for figure in figures:
        write_figure(figure.figure, out / FIGURES / figure.name, formats)


def _write_table(table: Table, out: Path, formats: Sequence[str]) -> list[Path]:
    paths = []
    for suffix in (name for name in NOTATIONS if name in formats):
        path = out / f"{table.name}.{suffix}"
        path.write_text(NOTATIONS[suffix](table), encoding="utf-8")
        paths.append(path)
    return paths


def _remove_earlier_report(out: Path) -> None:
    """Remove the page, tables and figures of an earlier report; other files in the folder stay."""
    old = [out / INDEX, *(out / f"{name}.{suffix}" for name in TABLES for suffix in NOTATIONS)]
    old += [path for stem in STEMS for path in (out / FIGURES).glob(f"{stem}.*")]
    old += (out / PICTURES).glob("[0-9a-f]" * 64 + ".png")
    for path in old:
        path.unlink(missing_ok=True)
