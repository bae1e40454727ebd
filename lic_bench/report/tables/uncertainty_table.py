"""How sure each BD-rate on PSNR is."""

from typing import Any

import pandas as pd

from lic_bench.rate_distortion.image_bootstrap import DRAWS, LEVEL, MIN_IMAGES
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import sort_datasets
from lic_bench.report.tables.codec_columns import DATASET, METHOD, SOURCE, codec_cells, table_rows
from lic_bench.report.tables.table import Cell, Table, number_cell, number_columns, text_cell, text_columns

SPANS = {"interval": ("low", "high"), "mean_interval": ("mean_low", "mean_high"), "loo": ("loo_low", "loo_high")}


def uncertainty_table(data: ReportData) -> Table:
    """Per curve and anchor: the BD-rate over the means and per image, intervals, rank group, spans, BD-PSNR."""
    interval = f"{LEVEL:g} %"
    columns = [
        *(METHOD, SOURCE, DATASET),
        *text_columns(anchor="Anchor"),
        *number_columns("BD-rate of the means [%]", bd_rate="pchip", interval=interval, group="group"),
        *number_columns("Per image [%]", mean="mean", mean_interval=interval, median="median"),
        *number_columns("Otherwise [%]", loo="leave one out", methods_spread="methods"),
        *number_columns("BD-PSNR", bd_psnr_db="dB"),
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
        "machine may. Group: where one ends, every codec so far is better than every one that follows, by a BD-rate of "
        "the one against the other whose interval is below 0; within a group the images do not tell them apart. Leave "
        "one out: with any one point of the curve left out. Methods: how far pchip, cubic and akima are apart. "
        "BD-PSNR: the mean difference over the common rates, positive is better. Of published and imported curves only "
        "means are known: neither they nor what is compared with them has values per image. Measured codecs whose "
        "anchor is not measured are compared with a measured one too."
    )


def _cells(row: Any) -> dict[str, Cell]:
    fewer = row.n_valued < row.n_images
    notes = [f"Of the {row.n_valued:.0f} of {row.n_images:.0f} images on which the two have a quality in common."]
    return codec_cells(row) | {
        "anchor": text_cell(row.anchor),
        **{name: number_cell(getattr(row, name), 2) for name in ("bd_rate", "median", "bd_psnr_db")},
        **{name: _span_cell(*(getattr(row, end) for end in ends)) for name, ends in SPANS.items()},
        "mean": number_cell(row.mean, 2, notes=notes if fewer else ()),
        "methods_spread": number_cell(row.methods_high - row.methods_low, 2),
        "group": number_cell(row.group, 0),
    }


def _span_cell(low: float, high: float) -> Cell:
    if pd.isna(low):
        return Cell("-")
    text = f"{low:.2f} .. {high:.2f}"
    return Cell(text, text)
