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
from lic_bench.report.tables.all_tables import TABLES, all_tables
from lic_bench.report.tables.notations import to_csv, to_html, to_latex, to_markdown
from lic_bench.report.tables.per_image_table import NAME as PER_IMAGE
from lic_bench.report.tables.per_image_table import per_image_csv, per_image_table
from lic_bench.report.tables.table import Table
from lic_bench.system.second_process import done_beside

NOTATIONS = {"md": to_markdown, "csv": to_csv, "tex": to_latex, "html": to_html}
FORMATS = (*NOTATIONS, *FIGURE_FORMATS)
INDEX = "index.html"
FIGURES = "figures"  # their folder
OURS = 3  # every so many figures one is drawn beside the tables, all others in the second process
TITLE = "Learned image compression, measured"
CURVES = tuple(f"rd_{metric_stem(name)}_*" for name in (*METRIC_NAMES, *METRICS))
STEMS = ("figure1", *CURVES, "phases_*", "figure10")  # of the figures' files


def write_folder(
    data: ReportData, memory_gib: Sequence[float], out: Path, formats: Sequence[str]
) -> tuple[list[Path], dict[str, Table]]:
    """Write all into a folder inside `out`, then put it in the place of an earlier report; that stays if this fails.

    memory_gib: see all_tables. formats: of FORMATS. Inside of matplotlib.rc_context(RC_PARAMS). Returns the files, and
    the tables by name.
    """
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".draft-", dir=out) as draft:
        files, tables = _write_draft(data, memory_gib, Path(draft), formats)
        written = [path.relative_to(draft) for path in files]
        _remove_earlier_report(out)
        for folder in {(out / name).parent for name in written}:
            folder.mkdir(exist_ok=True)
        return [(Path(draft) / name).replace(out / name) for name in written], tables


def _write_draft(
    data: ReportData, memory_gib: Sequence[float], out: Path, formats: Sequence[str]
) -> tuple[list[Path], dict[str, Table]]:
    (out / FIGURES).mkdir()
    drawn = [name for name in FIGURE_FORMATS if name in formats or (name == "svg" and "html" in formats)]
    figures = list(report_figures(data)) if drawn else []
    theirs = [figure for number, figure in enumerate(figures, 1) if number % OURS]
    with done_beside(partial(_write_figures, theirs, out, drawn)):  # half of all the work
        tables = all_tables(data, memory_gib)
        files = [path for table in tables.values() for path in _write_table(table, out, formats)]
        if len(data.per_image) and "csv" in formats:
            files.append(out / f"{PER_IMAGE}.csv")
            files[-1].write_text(per_image_csv(data.per_image), encoding="utf-8")
        _write_figures(figures[OURS - 1 :: OURS], out, drawn)
    files += (path for path in sorted((out / FIGURES).iterdir()) if path.suffix[1:] in formats)
    if "html" in formats:
        files += _write_page(data, tables, [_picture(figure, out) for figure in figures], out)
    return files, tables


def _write_page(data: ReportData, tables: Mapping[str, Table], pictures: Sequence[Picture], out: Path) -> list[Path]:
    shown = {**tables, **({PER_IMAGE: per_image_table(data.per_image)} if len(data.per_image) else {})}
    saved = saved_pictures(data.runs)
    interactive = Interactive(plotly_library(), figure_data(data), saved.images, saved.addresses(), saved.inside)
    html = page(TITLE, lead(data), page_sections(shown, pictures), data.all_runs, interactive)
    (out / INDEX).write_text(html, encoding="utf-8")
    return [out / INDEX, *saved.write(out)]


def _write_figures(figures: Sequence[ReportFigure], out: Path, formats: Sequence[str]) -> None:
    for figure in figures:
        write_figure(figure.draw(), out / FIGURES / figure.name, formats)


def _picture(figure: ReportFigure, out: Path) -> Picture:
    """The figure for the page, from its SVG."""
    svg = inline_svg((out / FIGURES / f"{figure.name}.svg").read_text(encoding="utf-8"), figure.name)
    return Picture(figure.name, figure.title, figure.caption, svg, interactive_twin(figure.name))


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
