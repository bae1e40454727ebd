"""Codecs at the same rates and at the same PSNR, each cell with the number of its images."""

from typing import Any

import pandas as pd

from lic_bench.report.frames.equal_rates import TARGETS, Target
from lic_bench.report.tables.codec_columns import DATASET, METHOD, SOURCE, codec_cells
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, number_columns


def equal_rates_table(frame: pd.DataFrame) -> Table:
    """One row per run, codec, device and data set. frame: as of frames.equal_rates."""
    columns = [METHOD, SOURCE, DATASET, *(column for target in TARGETS for column in _columns(target))]
    caption = (
        "Measured codecs alone: published curves are means over images. Interpolated on each image's own curve, by the "
        "pchip of the logarithm of bpp over PSNR that BD-rate integrates, never beyond its ends; the mean over the "
        "images that all codecs of the column reach, whose number is beside it. A codec that reaches less than half of "
        "the images has no value, so that the others keep theirs. bpp is of the payload."
    )
    groups = frame.groupby(["run", "codec", "label", "device", "dataset"], sort=False)
    rows = [Row("measured", _cells(group)) for _, group in groups]
    return Table("equal_rates", "At equal rates and at equal PSNR", caption, columns, rows)


def _columns(target: Target) -> list[Column]:
    key, title = ("psnr_db", "PSNR [dB]") if target.unit == "bpp" else ("bpp", "bpp")
    titles = {f"{key}_at_{target.key}": title, f"images_at_{target.key}": "images"}
    return number_columns(f"At {target.at:g} {target.unit}", **titles)


def _cells(group: pd.DataFrame) -> dict[str, Cell]:
    by_key = {target.key: target for target in TARGETS}
    rows: list[Any] = list(group.itertuples())
    cells = codec_cells(rows[0])
    for row in rows:
        target = by_key[row.target]
        value, images = (column.key for column in _columns(target))
        cells[value] = number_cell(row.value, 2 if target.unit == "bpp" else 3, notes=_notes(row))
        cells[images] = number_cell(row.n_images or None, 0)
    return cells


def _notes(row: Any) -> tuple[str, ...]:
    if row.n_images:
        return ()
    reached = f"{row.n_reached} of {row.n_pictures} images reach it"
    return (f"{reached}; none for all codecs." if 2 * row.n_reached >= row.n_pictures else f"{reached}.",)
