"""How sure each BD-rate on PSNR is."""

from typing import Any

import pandas as pd

from lic_bench.rate_distortion.image_bootstrap import DRAWS, LEVEL, MIN_IMAGES
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import sort_datasets
from lic_bench.report.tables.codec_columns import DATASET, METHOD, SOURCE, codec_cells, table_rows
from lic_bench.report.tables.table import Cell, Table, number_cell, number_columns, text_cell, text_columns

SPANS = {"interval": ("low", "high"), "mean_interval": ("mean_low", "mean_high")}
SPANS |= {"loo": ("loo_low", "loo_high"), "methods": ("methods_low", "methods_high")}


def uncertainty_table(data: ReportData) -> Table:
    """Per curve and anchor: the BD-rate over the means and per image, intervals, spans, BD-PSNR, rank group."""
    interval = f"{LEVEL:g} %"
    columns = [
        *(METHOD, SOURCE, DATASET),
        *text_columns(anchor="Anchor"),
        *number_columns("BD-rate of the means [%]", bd_rate="pchip", interval=interval),
        *number_columns("Per image [%]", mean="mean", mean_interval=interval, median="median", n_valued="images"),
        *number_columns("Spans [%]", loo="leave one out", methods="interpolators"),
        *number_columns(bd_psnr_db="BD-PSNR [dB]", group="Group"),
    ]
    shown = data.visible_rows(data.uncertainty, "psnr_db")
    order = sort_datasets(set(shown.dataset))
    shown = shown.assign(at=shown.dataset.map(order.index)).sort_values("at", kind="stable")
    title = "BD-rate (PSNR), uncertainty"
    return Table("bd_uncertainty", title, _caption(), columns, table_rows(shown, _cells))


def _caption() -> str:
    return (
        f"{LEVEL:g} %: the middle {LEVEL:g} % of {DRAWS} draws of the images with replacement, the same for codec and "
        f"anchor, from {MIN_IMAGES} images on: what other images of the kind may change, not what another training or "
        "machine may. Leave one out: with any one point of the curve left out. Interpolators: by pchip, cubic and "
        "akima. BD-PSNR: the mean difference over the common rates, positive is better. Group: where one ends, every "
        "codec so far is better than every one that follows, by a BD-rate of the one against the other whose interval "
        "is below 0; within a group the images do not tell them apart. Of published and imported curves only means are "
        "known: neither they nor what is compared with them has values per image. Measured codecs whose anchor is not "
        "measured are compared with the best measured one too."
    )


def _cells(row: Any) -> dict[str, Cell]:
    cells = codec_cells(row) | {"anchor": text_cell(row.anchor)}
    cells |= {name: number_cell(getattr(row, name), 2) for name in ("bd_rate", "mean", "median", "bd_psnr_db")}
    cells |= {name: _span_cell(*(getattr(row, end) for end in ends)) for name, ends in SPANS.items()}
    return cells | {name: number_cell(getattr(row, name), 0) for name in ("n_valued", "group")}


def _span_cell(low: float, high: float) -> Cell:
    if pd.isna(low):
        return Cell("-")
    text = f"{low:.2f} .. {high:.2f}"
    return Cell(text, text)
