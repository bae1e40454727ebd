"""From folders of runs to a folder with tables, figures and one page."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from rich.console import Console

from lic_bench.defaults import ANCHOR
from lic_bench.errors import UserError, unknown
from lic_bench.measurement.perceptual.registry import parse_metrics
from lic_bench.report import reference_runs
from lic_bench.report.figures.axes_style import RC_PARAMS
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.report.frames.scaling import MEMORY_GIB
from lic_bench.report.report_folder import FORMATS, INDEX, write_folder
from lic_bench.report.tables.table import Table
from lic_bench.report.tables.terminal import to_rich
from lic_bench.store.mean_curves import Imported, is_imported
from lic_bench.store.record_log import without_collecting
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """index: the page, without one the folder. files: all files, the page too. tables: name -> table."""

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
    formats: Sequence[str] = FORMATS,
) -> WrittenReport:
    """Write the report on `runs`, folders of runs or of imported curves, into the folder `out`.

    published: "all", "paper", "none" or slugs; reference: the shipped runs beside them, "all", "none" or names;
    anchor: a codec, optionally "measured:codec" or "published:codec"; memory_gib: what the largest images are
    predicted for; metric: perceptual metrics to show in full; common_window: BD-rates over the quality that all curves
    of a data set reach; formats: of FORMATS, what is written, "html" with the page, which has the figures in it.
    """
    if unusable := [name for name in formats if name not in FORMATS]:
        raise unknown("format of the report", unusable[0], FORMATS)
    own = [folder for folder in runs if not is_imported(folder)]
    imported = [Imported(folder) for folder in dict.fromkeys(f.resolve() for f in runs if is_imported(f))]
    with without_collecting():
        opened = _open_runs(own, reference_runs.choose_references(reference))
        gc.freeze()  # all of it stays to the end: looking through it for garbage takes a tenth of the time
    _tell_apart([*opened, *imported])
    asked = {folder.resolve() for folder in own}
    beside = {run.name for run in opened if run.folder not in asked}
    metrics = parse_metrics(metric, "--metric") if metric is not None else ()
    data = gather_report_data(opened, published, anchor, method, imported, beside, metrics, common_window=common_window)
    try:
        with matplotlib.rc_context(RC_PARAMS):
            files, tables = write_folder(data, memory_gib, out, formats)
    except OSError as error:
        raise UserError(f"Cannot write the report to {out}: {error.strerror or error}; choose another --out.") from None
    gc.unfreeze()
    return WrittenReport(out / INDEX if "html" in formats else out, files, tables)


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
