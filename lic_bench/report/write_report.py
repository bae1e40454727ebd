"""From folders of runs to a folder with tables, figures and one page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
from rich.console import Console

from lic_bench.defaults import ANCHOR
from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.registry import METRICS, parse_metrics
from lic_bench.report import reference_runs
from lic_bench.report.figures.axes_style import RC_PARAMS
from lic_bench.report.figures.figure_files import write_figure
from lic_bench.report.figures.report_figures import report_figures
from lic_bench.report.frames.budgets import timed_codecs
from lic_bench.report.frames.quality_windows import windows_text
from lic_bench.report.frames.report_data import ReportData, gather_report_data
from lic_bench.report.frames.scaling import MEMORY_GIB
from lic_bench.report.html_page import Interactive, Picture, Section, inline_svg, page
from lic_bench.report.interactive.figure_data import figure_data
from lic_bench.report.interactive.plotly_library import plotly_library
from lic_bench.report.interactive.saved_pictures import PICTURES, saved_pictures
from lic_bench.report.labels import METRIC_NAMES, metric_stem
from lic_bench.report.tables.budgets_table import budgets_table
from lic_bench.report.tables.claims_tables import claims_in_report, claims_tables
from lic_bench.report.tables.comparability_table import comparability_table
from lic_bench.report.tables.cost_tables import complexity_table, failures_table, latency_table, memory_table
from lic_bench.report.tables.decode_checks_table import decode_checks_table
from lic_bench.report.tables.equal_rates_table import equal_rates_table
from lic_bench.report.tables.machine_tables import conditions_table, machines_table
from lic_bench.report.tables.matched_pairs_table import matched_pairs_table
from lic_bench.report.tables.metrics_table import metrics_table
from lic_bench.report.tables.notations import to_csv, to_html, to_latex, to_markdown
from lic_bench.report.tables.paper_tables import NAMES as PAPER_TABLES
from lic_bench.report.tables.paper_tables import paper_tables
from lic_bench.report.tables.per_image_table import NAME as PER_IMAGE
from lic_bench.report.tables.per_image_table import per_image_csv, per_image_table
from lic_bench.report.tables.phases_table import phases_table
from lic_bench.report.tables.rd_tables import bd_table, rd_table, sources_table
from lic_bench.report.tables.scaling_tables import scaling_tables
from lic_bench.report.tables.table import Table
from lic_bench.report.tables.table1 import table1
from lic_bench.report.tables.terminal import to_rich
from lic_bench.report.tables.throughput_table import throughput_table
from lic_bench.report.tables.uncertainty_table import uncertainty_table
from lic_bench.report.tables.variants_table import variants_table
from lic_bench.store.mean_curves import Imported, is_imported
from lic_bench.store.run_folder import Run

NOTATIONS = {"md": to_markdown, "csv": to_csv, "tex": to_latex, "html": to_html}
FIGURES = "figures"  # their folder
TITLE = "Learned image compression, measured"


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """index: the page. files: all files, the page too. tables: name -> table."""

    index: Path
    files: Sequence[Path]
    tables: dict[str, Table]

    def show(self, console: Console) -> None:
        """Print Table 1, which of its rows are not comparable, BD-rates by metric, and what variants of codecs gain."""
        for name in ("table1", "comparability", "bd_rate_by_metric", "variants"):
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
    metric: str | None = None,
    memory_gib: Sequence[float] = MEMORY_GIB,
    common_window: bool = False,
) -> WrittenReport:
    """Write the report on `runs`, folders of runs or of imported curves, into the folder `out`.

    published: "all", "paper", "none" or slugs; reference: the shipped runs beside them, "all", "none" or names;
    anchor: a codec, optionally "measured:codec" or "published:codec"; memory_gib: what the largest images are
    predicted for; metric: perceptual metrics to show in full; common_window: BD-rates over the quality that all curves
    of a data set reach.
    """
    own = [folder for folder in runs if not is_imported(folder)]
    imported = [Imported(folder) for folder in dict.fromkeys(f.resolve() for f in runs if is_imported(f))]
    opened = _open_runs(own, reference_runs.choose_references(reference))
    _tell_apart([*opened, *imported])
    asked = {folder.resolve() for folder in own}
    beside = {run.name for run in opened if run.folder not in asked}
    metrics = parse_metrics(metric, "--metric") if metric is not None else ()
    data = gather_report_data(opened, published, anchor, method, imported, beside, metrics, common_window=common_window)
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
        for folder in {(out / name).parent for name in written}:
            folder.mkdir(exist_ok=True)
        files = [(Path(draft) / name).replace(out / name) for name in written]
    return WrittenReport(out / "index.html", files, tables)


def _write_draft(data: ReportData, tables: dict[str, Table], out: Path) -> list[Path]:
    files = [path for table in tables.values() for path in _write_table(table, out)]
    if len(data.per_image):
        files.append(out / f"{PER_IMAGE}.csv")
        files[-1].write_text(per_image_csv(data.per_image), encoding="utf-8")
        tables = tables | {PER_IMAGE: per_image_table(data.per_image)}
    pictures = []
    folder = out / FIGURES
    folder.mkdir(exist_ok=True)
    for figure in report_figures(data):
        paths = write_figure(figure.figure, folder / figure.name)
        files += paths
        svg = inline_svg(paths[0].read_text(encoding="utf-8"), figure.name)
        pictures.append(Picture(figure.name, figure.title, figure.caption, svg, _twin(figure.name)))
    index = out / "index.html"
    saved = saved_pictures(data.runs)
    files += saved.write(out)
    interactive = Interactive(plotly_library(), figure_data(data), saved.images, saved.addresses(), saved.inside)
    html = page(TITLE, _lead(data), _sections(tables, pictures), data.all_runs, interactive)
    index.write_text(html, encoding="utf-8")
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
    *("table1", "comparability", "bd_rate", "bd_rate_ms_ssim", "rd_points", "variants", "latency", "throughput"),
    *("phases", "memory", "bd_uncertainty", "budgets"),
    *("equal_rates", "matched_pairs", "complexity", "failures", "decode_checks"),
    *("claims_text", *(f"claims_table{number}" for number in range(1, 6))),
    *("sources", "machines", "conditions", "scaling_sizes", "scaling_fits", "scaling_largest"),
    *("bd_rate_by_metric", *(f"bd_rate_{metric_stem(name)}" for name in METRICS)),
    *(PER_IMAGE, *PAPER_TABLES),
)
WITH_BD_RATES = dict.fromkeys(("table1", "bd_rate", "bd_uncertainty", "budgets"), "psnr_db")
WITH_BD_RATES |= {"bd_rate_ms_ssim": "ms_ssim_db"}  # table -> metric
CURVES = tuple(f"rd_{metric_stem(name)}_*" for name in (*METRIC_NAMES, *METRICS))
STEMS = ("figure1", *CURVES, "phases_*", "figure10")  # of the figures' files


def _remove_earlier_report(out: Path) -> None:
    """Remove the tables and figures of an earlier report; other files in the folder stay."""
    old = [out / f"{name}.{suffix}" for name in TABLES for suffix in NOTATIONS]
    old += [path for stem in STEMS for path in (out / FIGURES).glob(f"{stem}.*")]
    old += (out / PICTURES).glob("[0-9a-f]" * 64 + ".png")
    for path in old:
        path.unlink(missing_ok=True)


def _make_tables(data: ReportData, memory_gib: Sequence[float]) -> dict[str, Table]:
    """The tables by name; those without rows are left out, except Table 1."""
    tables = [bd_table(data, metric) for metric in (*METRIC_NAMES, *data.perceptual.asked)]
    tables += [metrics_table(data), uncertainty_table(data), budgets_table(timed_codecs(data))]
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
    tables += [comparability_table(data), *claims_tables(claims_in_report(data))]
    tables += paper_tables(data)
    tables = [_with_window(data, table) for table in (table1(data), *(table for table in tables if table.rows))]
    return {table.name: table for table in tables}


def _with_window(data: ReportData, table: Table) -> Table:
    """The table with what its BD-rates are over in the caption, if that is one window."""
    metric = WITH_BD_RATES.get(table.name)
    text = windows_text(data.windows.get(metric, {})) if metric else ""
    return replace(table, caption=f"{table.caption} {text}") if text else table


def _write_table(table: Table, out: Path) -> list[Path]:
    paths = []
    for suffix, notation in NOTATIONS.items():
        path = out / f"{table.name}.{suffix}"
        path.write_text(notation(table), encoding="utf-8")
        paths.append(path)
    return paths


def _sections(tables: dict[str, Table], pictures: Sequence[Picture]) -> list[Section]:
    def existing(*names: str) -> list[Table]:
        return [tables[name] for name in names if name in tables]

    first = [picture for picture in pictures if picture.name == "figure1"]
    bars = [picture for picture in pictures if picture.name.startswith("phases_")]
    growth = [picture for picture in pictures if picture.name == "figure10"]
    curves = [picture for picture in pictures if picture not in (*first, *bars, *growth)]
    sections = [
        Section("overview", "Overview", first, existing("table1", "comparability")),
        Section("failed", "Failures", (), existing("failures")),
        Section("curves", "Rate-distortion curves", curves),
        Section("bd", "BD-rate", (), [table for name, table in tables.items() if name.startswith("bd_")]),
        Section("equal", "Equal rates", (), existing("equal_rates")),
        Section("pairs", "Matched pairs", (), existing("matched_pairs"), folded=True),
        Section(
            "times",
            "Latency, throughput and memory",
            bars,
            existing("budgets", "variants", "latency", "throughput", "phases", "memory"),
        ),
        Section("operations", "Complexity", (), existing("complexity")),
        Section("scaling", "Scaling", growth, existing("scaling_fits", "scaling_largest", "scaling_sizes")),
        _paper_section(existing(*PAPER_TABLES)),
        Section(
            "claims", "Claims", (), [table for name, table in tables.items() if name.startswith("claims_")], folded=True
        ),
        Section("machine", "Machines and conditions", (), existing("decode_checks", "machines", "conditions")),
        Section("points", "Points", (), existing("rd_points"), folded=True),
        Section("images", "Images", (), existing(PER_IMAGE), folded=True),
        Section("published", "Sources", (), existing("sources"), folded=True),
    ]
    return [section for section in sections if section.pictures or section.tables]


def _paper_section(tables: Sequence[Table]) -> Section:
    """Folded where the runs measured nothing that stands in it."""
    folded = all(row.provenance == "published" for table in tables for row in table.rows)
    return Section("paper", "Tables of the paper", (), tables, folded=folded)


def _twin(figure: str) -> str:
    """The interactive figure that shows the same."""
    return "curves" if figure.startswith("rd_") else "latency" if figure == "figure1" else ""


def _lead(data: ReportData) -> str:
    measured = ", ".join(run.name for run in data.all_runs)
    what = f"Measured: {measured}. " if measured else "Published values only; nothing here was measured. "
    imported = ", ".join(item.name for item in data.imported)
    what += f"Imported, measured elsewhere, means only: {imported}. " if imported else ""
    return what + "Published values are marked as such everywhere; they were obtained by others on other machines."
