"""From folders of runs to a folder with tables, figures and one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
from rich.console import Console

from lic_bench.defaults import ANCHOR
from lic_bench.errors import UserError
from lic_bench.report import reference_runs
from lic_bench.report.figures.axes_style import RC_PARAMS
from lic_bench.report.figures.report_figures import ReportFigure, report_figures
from lic_bench.report.frames.report_data import ReportData, gather_report_data
from lic_bench.report.frames.scaling import MEMORY_GIB
from lic_bench.report.html_page import Picture, Section, inline_svg, page
from lic_bench.report.labels import METRIC_NAMES
from lic_bench.report.tables.cost_tables import complexity_table, failures_table, latency_table, memory_table
from lic_bench.report.tables.decode_checks_table import decode_checks_table
from lic_bench.report.tables.equal_rates_table import equal_rates_table
from lic_bench.report.tables.machine_tables import conditions_table, machines_table
from lic_bench.report.tables.matched_pairs_table import matched_pairs_table
from lic_bench.report.tables.notations import to_csv, to_html, to_latex, to_markdown
from lic_bench.report.tables.phases_table import phases_table
from lic_bench.report.tables.rd_tables import bd_table, rd_table, sources_table
from lic_bench.report.tables.scaling_tables import scaling_tables
from lic_bench.report.tables.table import Table
from lic_bench.report.tables.table1 import table1
from lic_bench.report.tables.terminal import to_rich
from lic_bench.report.tables.throughput_table import throughput_table
from lic_bench.report.tables.variants_table import variants_table
from lic_bench.store.mean_curves import Imported, is_imported
from lic_bench.store.run_folder import Run
from lic_bench.store.run_json import is_elsewhere

NOTATIONS = {"md": to_markdown, "csv": to_csv, "tex": to_latex, "html": to_html}
FORMATS = ("svg", "pdf", "png")
FIGURES = "figures"  # their folder
NOTHING = "Published values only; nothing here was measured. "
TITLE = "Learned image compression, measured"


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """index: the page. files: all files, the page too. tables: name -> table."""

    index: Path
    files: Sequence[Path]
    tables: dict[str, Table]

    def show(self, console: Console) -> None:
        """Print Table 1, and what variants of codecs gain, to the terminal."""
        for name in ("table1", "variants"):
            if name in self.tables:
                console.print(to_rich(self.tables[name], console.width))


def write_report(
    runs: Sequence[Path],
    out: Path,
    *,
    published: str = "paper",
    reference: str = "none",
    anchor: str = ANCHOR,
    method: str = "pchip",
    memory_gib: Sequence[float] = MEMORY_GIB,
) -> WrittenReport:
    """Write the report on `runs`, folders of runs or of imported curves, into the folder `out`.

    published: "all", "paper", "none" or slugs; reference: the shipped runs beside them, "all", "none" or names;
    anchor: a codec, optionally "measured:codec" or "published:codec"; memory_gib: what the largest images are
    predicted for.
    """
    own = [folder for folder in runs if not is_imported(folder)]
    imported = [Imported(folder) for folder in dict.fromkeys(f.resolve() for f in runs if is_imported(f))]
    opened = _open_runs(own, reference_runs.choose_references(reference))
    _tell_apart([*opened, *imported])
    data = gather_report_data(opened, published, anchor, method, imported)
    tables = _make_tables(data, memory_gib)
    try:
        with matplotlib.rc_context(RC_PARAMS):
            return _write_files(data, tables, out)
    except OSError as error:
        raise UserError(f"Cannot write the report to {out}: {error.strerror or error}; choose another --out.") from None


def _write_files(data: ReportData, tables: dict[str, Table], out: Path) -> WrittenReport:
    """Write all into a folder inside `out`, then put it in the place of an earlier report; that stays if this fails."""
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".draft-", dir=out) as draft:
        written = [path.relative_to(draft) for path in _write_draft(data, tables, Path(draft))]
        _remove_earlier_report(out)
        (out / FIGURES).mkdir(exist_ok=True)
        files = [(Path(draft) / name).replace(out / name) for name in written]
    return WrittenReport(out / "index.html", files, tables)


def _write_draft(data: ReportData, tables: dict[str, Table], out: Path) -> list[Path]:
    files = [path for table in tables.values() for path in _write_table(table, out)]
    pictures = []
    for figure in report_figures(data):
        paths = _write_figure(figure, out)
        files += paths
        svg = inline_svg(paths[0].read_text(encoding="utf-8"), figure.name)
        pictures.append(Picture(figure.name, figure.title, figure.caption, svg))
    index = out / "index.html"
    index.write_text(page(TITLE, _lead(data), _sections(tables, pictures), data.all_runs), encoding="utf-8")
    return [*files, index]


def _open_runs(folders: Sequence[Path], references: Sequence[Path]) -> list[Run]:
    """The runs, then what the reference runs add."""
    own = [Run(folder) for folder in dict.fromkeys(folder.resolve() for folder in folders)]
    own_folders = {run.folder for run in own}
    added = [Run(folder) for folder in references if folder not in own_folders]
    return [*own, *reference_runs.without_remeasured(reference_runs.merge_times(added), own)]


def _tell_apart(shown: Sequence[Run | Imported]) -> None:
    """Make the names longer until no two are the same."""
    depth = 1
    while len({run.name for run in shown}) < len(shown):
        depth += 1
        for run in shown:
            run.name = "/".join(run.folder.parts[-depth:])


TABLES = (
    *("table1", "bd_rate", "bd_rate_ms_ssim", "rd_points", "variants", "latency", "throughput", "phases", "memory"),
    *("equal_rates", "matched_pairs", "complexity", "failures", "decode_checks"),
    *("sources", "machines", "conditions", "scaling_sizes", "scaling_fits", "scaling_largest"),
)
STEMS = ("figure1", "rd_psnr_*", "rd_ms_ssim_*", "phases_*", "figure10")  # of the figures' files


def _remove_earlier_report(out: Path) -> None:
    """Remove the tables and figures of an earlier report; other files in the folder stay."""
    old = [out / f"{name}.{suffix}" for name in TABLES for suffix in NOTATIONS]
    old += [path for stem in STEMS for path in (out / FIGURES).glob(f"{stem}.*")]
    for path in old:
        path.unlink(missing_ok=True)


def _make_tables(data: ReportData, memory_gib: Sequence[float]) -> dict[str, Table]:
    """The tables by name; those without rows are left out, except Table 1."""
    tables = [bd_table(data, metric) for metric in METRIC_NAMES]
    tables += [equal_rates_table(data.equal_rates), matched_pairs_table(data.matched_pairs)]
    tables += [
        rd_table(data),
        latency_table(data),
        variants_table(data.variants),
        throughput_table(data),
        memory_table(data),
    ]
    tables += [phases_table(data.phases), complexity_table(data), failures_table(data), sources_table(data)]
    tables += [machines_table(data.all_runs), conditions_table(data.all_runs)]
    tables += [decode_checks_table(data.decode_checks)]
    tables += scaling_tables(data.scaling, memory_gib)
    return {table.name: table for table in (table1(data), *(table for table in tables if table.rows))}


def _write_table(table: Table, out: Path) -> list[Path]:
    paths = []
    for suffix, notation in NOTATIONS.items():
        path = out / f"{table.name}.{suffix}"
        path.write_text(notation(table), encoding="utf-8")
        paths.append(path)
    return paths


def _write_figure(report_figure: ReportFigure, out: Path) -> list[Path]:
    folder = out / FIGURES
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{report_figure.name}.{suffix}" for suffix in FORMATS]
    figure = report_figure.figure
    figure.set_dpi(matplotlib.rcParams["savefig.dpi"])  # the width of letters depends on it
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is made; making it again for each format takes seconds
    for path in paths:
        dateless = {"Date": None} if path.suffix == ".svg" else {"CreationDate": None} if path.suffix == ".pdf" else {}
        figure.savefig(path, metadata=dateless)
    return paths


def _sections(tables: dict[str, Table], pictures: Sequence[Picture]) -> list[Section]:
    def existing(*names: str) -> list[Table]:
        return [tables[name] for name in names if name in tables]

    first = [picture for picture in pictures if picture.name == "figure1"]
    bars = [picture for picture in pictures if picture.name.startswith("phases_")]
    growth = [picture for picture in pictures if picture.name == "figure10"]
    curves = [picture for picture in pictures if picture not in (*first, *bars, *growth)]
    sections = [
        Section("overview", "Overview", first, existing("table1")),
        Section("failed", "Failures", (), existing("failures")),
        Section("curves", "Rate-distortion curves", curves),
        Section("bd", "BD-rate", (), existing("bd_rate", "bd_rate_ms_ssim")),
        Section("equal", "Equal rates", (), existing("equal_rates")),
        Section("pairs", "Matched pairs", (), existing("matched_pairs"), folded=True),
        Section(
            "times",
            "Latency, throughput and memory",
            bars,
            existing("variants", "latency", "throughput", "phases", "memory"),
        ),
        Section("operations", "Complexity", (), existing("complexity")),
        Section("scaling", "Scaling", growth, existing("scaling_fits", "scaling_largest", "scaling_sizes")),
        Section("machine", "Machines and conditions", (), existing("decode_checks", "machines", "conditions")),
        Section("points", "Points", (), existing("rd_points"), folded=True),
        Section("published", "Sources", (), existing("sources"), folded=True),
    ]
    return [section for section in sections if section.pictures or section.tables]


def _lead(data: ReportData) -> str:
    measured, elsewhere = (
        ", ".join(run.name for run in data.all_runs if is_elsewhere(run.info) == there) for there in (False, True)
    )
    what = f"Measured: {measured}. " if measured else "" if elsewhere else NOTHING
    what += f"Coded elsewhere, distortions measured here, no times: {elsewhere}. " if elsewhere else ""
    imported = ", ".join(item.name for item in data.imported)
    what += f"Imported, measured elsewhere, means only: {imported}. " if imported else ""
    return what + "Published values are marked as such everywhere; they were obtained by others on other machines."
