"""The rows of Table 1 that were imported: measured elsewhere, by means alone."""

from collections.abc import Sequence
from statistics import fmean

from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.tables.bd_cells import bd_cell
from lic_bench.report.tables.table import Cell, Row, number_cell, text_cell
from lic_bench.store.mean_curves import Imported, MeanCurve

NOTE = (
    "Imported: measured by others, with times on their machines; who, and in which files, is in the table of sources."
)
TIMES = {"enc_s": "encode_s", "dec_s": "decode_s"}


def imported_rows(data: ReportData, imported: Imported, datasets: Sequence[str]) -> list[tuple[Row, str]]:
    """A row, with the id of its curve, per imported codec that has a curve on PSNR.

    Times are the means over the points of its first data set.
    """
    curves = {curve.codec: curve for curve in reversed(imported.curves)}  # the first one of each
    shown = set(data.bd_for("psnr_db").curve)
    rows = []
    for codec, curve in reversed(curves.items()):
        if (name := f"imported:{imported.name}:{codec}") in shown:
            cells = _cells(curve, imported.name)
            bds = {f"bd_{d}": bd_cell(data, name, d) or Cell("-") for d in datasets}
            rows.append((Row("imported", cells | bds), name))
    return rows


def _cells(curve: MeanCurve, folder: str) -> dict[str, Cell]:
    times = {key: [point[name] for point in curve.points if name in point] for key, name in TIMES.items()}
    cells = {key: number_cell(fmean(values), 3, notes=[NOTE]) for key, values in times.items() if values}
    return {"method": text_cell(curve.label), "source": text_cell(f"{folder} (imported)", NOTE)} | cells
