"""The columns of Table 1 for runs that took no times: from which rate and quality to which their points go."""

from collections.abc import Sequence

import pandas as pd

from lic_bench.report.frames.measured_codecs import MeasuredCodec
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import dataset_label, sort_datasets
from lic_bench.report.tables.table import Cell, Column, number_columns

RANGES = {"bpp": ("bpp", "bpp", 2), "psnr_range_db": ("PSNR(dB)", "psnr_db", 1)}  # key -> title, column, digits


def untimed_dataset(data: ReportData, rows: Sequence[MeasuredCodec]) -> str | None:
    """The paper's first data set on which one of these codecs has points, but no times, in a run that was asked for."""
    untimed = [row.curve for row in rows if row.dec_s is None and row.run.name not in data.beside]
    return next(iter(sort_datasets(set(data.points.dataset[data.points.curve.isin(untimed)]))), None)


def rate_columns(dataset: str | None) -> list[Column]:
    """bpp and PSNR on this data set; none without one."""
    titles = {key: title for key, (title, _, _) in RANGES.items()}
    return number_columns(f"On {dataset_label(dataset)}", **titles) if dataset else []


def rates_sentence(dataset: str | None) -> str:
    """What the columns mean; "" without them."""
    return " bpp and PSNR are those of the lowest and the highest quality, means over the images." if dataset else ""


def rate_cells(data: ReportData, curve: str, dataset: str | None) -> dict[str, Cell]:
    """The cells of a curve, from its points over all images."""
    points = data.points[(data.points.curve == curve) & (data.points.dataset == dataset) & ~data.points.narrowed]
    return {key: _range(points[column], digits) for key, (_, column, digits) in RANGES.items()}


def _range(values: "pd.Series[float]", digits: int) -> Cell:
    known = values.dropna()
    if known.empty:
        return Cell("-")
    ends = dict.fromkeys(f"{value:.{digits}f}" for value in (known.min(), known.max()))
    return Cell("\N{EN DASH}".join(ends), "..".join(ends))
