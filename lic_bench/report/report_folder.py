"""The files of a report: written beside those of an earlier one, then put in their place."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from lic_bench.measurement.perceptual.registry import METRICS
from lic_bench.report.figures.figure_files import FORMATS as FIGURE_FORMATS
from lic_bench.report.figures.figure_files import write_figure
from lic_bench.report.figures.report_figures import report_figures
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
CAPTIONS = "captions.json"  # of the figures, in the draft
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
    with done_beside(partial(_write_figures, data, out, formats)):  # half of all the work
        tables = all_tables(data, memory_gib)
        files = [path for table in tables.values() for path in _write_table(table, out, formats)]
        shown = tables
        if len(data.per_image):
            shown = {**tables, PER_IMAGE: per_image_table(data.per_image)}
            if "csv" in formats:
                files.append(out / f"{PER_IMAGE}.csv")
                files[-1].write_text(per_image_csv(data.per_image), encoding="utf-8")
        figures = figure_data(data) if "html" in formats else {}
    files += (path for path in sorted((out / FIGURES).glob("*.*")) if path.suffix[1:] in formats)
    if "html" in formats:
        saved = saved_pictures(data.runs)
        interactive = Interactive(plotly_library(), figures, saved.images, saved.addresses(), saved.inside)
        html = page(TITLE, lead(data), page_sections(shown, _pictures(out)), data.all_runs, interactive)
        files.append(out / INDEX)
        files[-1].write_text(html, encoding="utf-8")
        files += saved.write(out)
    return files, tables


def _write_figures(data: ReportData, out: Path, formats: Sequence[str]) -> None:
    """The figures' files, of which the page needs SVG, and in CAPTIONS what is to be said of each."""
    wanted = [name for name in FIGURE_FORMATS if name in formats or (name == "svg" and "html" in formats)]
    captions = []
    for figure in report_figures(data) if wanted else ():
        write_figure(figure.figure, out / FIGURES / figure.name, wanted)
        captions.append((figure.name, figure.title, figure.caption))
    (out / CAPTIONS).write_text(json.dumps(captions), encoding="utf-8")


def _pictures(out: Path) -> list[Picture]:
    """The figures for the page."""
    pictures = []
    for name, title, caption in json.loads((out / CAPTIONS).read_text(encoding="utf-8")):
        svg = inline_svg((out / FIGURES / f"{name}.svg").read_text(encoding="utf-8"), name)
        pictures.append(Picture(name, title, caption, svg, interactive_twin(name)))
    return pictures


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
