"""The tables of scaling runs: what was measured at each size, the fits, the largest image per size of memory."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lic_bench.errors import UserError
from lic_bench.rate_distortion.growth_fits import FAR, MIN_CURVED, MIN_SIZES, Fit, Parabola
from lic_bench.report.frames.scaling import GIB, MEMORY_GIB, QUANTITIES, Quantity, ScalingFrames
from lic_bench.report.tables.codec_columns import METHOD, codec_cells
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, number_columns, text_cell, text_columns

RANDOM = "Random weights: the entropy coder's share of this time is not representative."
TOO_FEW = f"Fewer than {MIN_SIZES} sizes: no fit."
LEVEL = "Does not grow with the image."
FASTER = "Grows faster than the pixels."
DOUBTFUL = f"May grow faster than the pixels; {MIN_CURVED} sizes would tell. If so, the largest image is smaller."
WHO = (METHOD, Column("source", "Source", align="left", optional=True), Column("quality", "Quality", optional=True))


def scaling_tables(data: ScalingFrames, memory_gib: Sequence[float] = MEMORY_GIB) -> list[Table]:
    """The three tables of this module; without scaling runs they have no rows."""
    return [sizes_table(data), fits_table(data), largest_table(data, memory_gib)]


def parse_memory_sizes(text: str) -> list[float]:
    """The sizes of --memory-sizes in GiB, ascending. Raises UserError for a size that is not a number above 0."""
    try:
        sizes = sorted({float(part) for part in text.split(",") if part.strip()})
    except ValueError:
        sizes = []
    if not sizes or not all(0 < size < math.inf for size in sizes):
        raise UserError(f"--memory-sizes {text!r}: allowed are numbers above 0 with commas between, in GiB: 8,24,80.")
    return sizes


def sizes_table(data: ScalingFrames) -> Table:
    """One row per curve and size, the size at which memory ran out as well."""
    limits = data.limits.assign(quantity="limit", value=float("nan"))
    frame = pd.concat([part for part in (data.points, limits) if len(part)] or [data.points])
    rows = []
    for _, curve in frame.groupby("curve", sort=False):
        for _, group in curve.sort_values("mp", kind="stable").groupby("mp"):
            values = dict(zip(group.quantity, group.value, strict=True))
            first: Any = group.iloc[0]
            size = {"size": text_cell(f"{first.width}x{first.height}")}
            rows.append(Row("measured", codec_cells(first) | size | _quantity_cells(values, first)))
    limit = _if_any(data, Column("limit", "Limit", align="left"))
    columns = [*WHO, Column("size", "Size"), *limit, *map(_quantity_column, QUANTITIES)]
    caption = (
        "Square synthetic pictures. Operations are multiply-accumulates, exact but for thop's, without the entropy "
        "coder, at the size that the network works on after padding. Memory is weights plus the peak growth of torch's "
        "allocator on a GPU, of the resident memory on a CPU, with that of the programs a codec starts. Times are "
        "medians; one codec is measured after the other."
    )
    return Table("scaling_sizes", "Cost by size of the image", caption, columns, rows)


def fits_table(data: ScalingFrames) -> Table:
    """One row per curve and quantity: line and power law with how well each fits."""
    columns = [
        *(*WHO, *text_columns(quantity="Quantity", unit="Unit"), Column("n_sizes", "Sizes", optional=True)),
        *number_columns("a + b x MP", fixed="fixed", per_mp="per MP", r2="R²"),
        Column("exponent", "p", "weights + c x MP^p"),
        Column("exponent_r2", "R²", "weights + c x MP^p", optional=True),
    ]
    order = list(QUANTITIES)
    frame = data.fits.assign(at=data.fits.quantity.map(order.index)).sort_values("at", kind="stable")
    curves = frame.groupby("curve", sort=False)
    rows = [Row("measured", _fit_cells(row)) for _, curve in curves for row in curve.itertuples()]
    caption = (
        "Least squares over the sizes, of distances relative to the value. Three sizes leave one degree of freedom: R² "
        "is then near 1 for almost anything that grows. a below 0: it may grow faster than the pixels. The exponent is "
        "the slope between the logarithms, of memory without the weights, with R² of these; another fixed part makes "
        "it smaller than 1 although the rest grows in proportion."
    )
    return Table("scaling_fits", "Growth with the size of the image", caption, columns, rows)


def largest_table(data: ScalingFrames, memory_gib: Sequence[float] = MEMORY_GIB) -> Table:
    """One row per curve and operation: the largest image, in megapixels, that fits into each size of memory."""
    group = "Largest image [MP] (side of a square)"
    columns = [
        *(*WHO, *text_columns(operation="Operation")),
        *(Column(_gib_key(gib), f"{gib:g} GiB", group, optional=i > 0) for i, gib in enumerate(memory_gib)),
        *_if_any(data, Column("limit", "Out of memory at", align="left")),
    ]
    fits: Iterator[Any] = data.fits[data.fits.quantity.str.startswith("memory_")].itertuples()
    rows = []
    for row in fits:
        cells = codec_cells(row) | {_gib_key(gib): _largest_cell(row.fit, gib * GIB) for gib in memory_gib}
        cells |= {"operation": text_cell(row.quantity.removeprefix("memory_"))} | _limit(data, row.curve)
        rows.append(Row("measured", cells))
    caption = (
        "Predicted from the fit of the memory: the line, or what is clearly nearer to the values of the power law and "
        "a + b x MP + c x MP². Growth too slow to show at the sizes measured makes it smaller. What others need of the "
        "memory, CUDA's context, the system, a fragmented allocator, goes off before."
    )
    return Table("scaling_largest", "Largest image by memory", caption, columns, rows)


def _if_any(data: ScalingFrames, column: Column) -> list[Column]:
    """The column, if a codec ran out of memory."""
    return [column] if len(data.limits) else []


def _quantity_cells(values: Mapping[str, float], row: Any) -> dict[str, Cell]:
    cells = {"limit": text_cell("out of memory")} if "limit" in values else {}
    for name, quantity in QUANTITIES.items():
        notes = (RANDOM,) if name.startswith("time_") and row.weights == "random" and name in values else ()
        value = values.get(name)
        cells[_key(name)] = number_cell(None if value is None else value / quantity.scale, quantity.digits, notes=notes)
    return cells


def _fit_cells(row: Any) -> dict[str, Cell]:
    quantity, fits = QUANTITIES[row.quantity], row.fit
    cells = codec_cells(row) | {"quantity": text_cell(quantity.label), "unit": text_cell(quantity.unit)}
    cells["n_sizes"] = number_cell(row.n_sizes, 0)
    if fits is None:
        return cells | {"per_mp": Cell("-", None, (TOO_FEW,))}
    notes = [RANDOM] if row.quantity.startswith("time_") and row.weights == "random" else []
    notes += [_parabola_text(fits.best, quantity)] if isinstance(fits.best, Parabola) else []
    notes += [DOUBTFUL] if fits.doubtful else []
    cells |= {"fixed": number_cell(fits.line.a / quantity.scale, quantity.digits), "r2": number_cell(fits.line.r2, 4)}
    cells |= {"per_mp": number_cell(fits.line.b / quantity.scale, quantity.digits, notes=notes)}
    if fits.power is not None:
        cells |= {"exponent": number_cell(fits.power.p, 3), "exponent_r2": number_cell(fits.power.r2, 4)}
    return cells


def _largest_cell(fits: Fit | None, memory_bytes: float) -> Cell:
    if fits is None:
        return Cell("-", None, (TOO_FEW,))
    megapixels = fits.best.reaches(memory_bytes)
    if megapixels is None:
        return Cell("-", None, (LEVEL,))
    far = f"More than {FAR:g} times the largest size measured, {fits.measured:.3g} MP."
    doubts = ((megapixels > FAR * fits.measured, far), (fits.faster, FASTER), (fits.doubtful, DOUBTFUL))
    side = int(np.sqrt(megapixels * 1e6))
    return Cell(f"{megapixels:.1f} ({side})", megapixels, tuple(note for applies, note in doubts if applies))


def _parabola_text(parabola: Parabola, quantity: Quantity) -> str:
    a, b, c = (f"{value / quantity.scale:.4g}" for value in (parabola.a, parabola.b, parabola.c))
    return f"{FASTER} Nearer to the values than a line: {a} + {b} x MP + {c} x MP² {quantity.unit}."


def _limit(data: ScalingFrames, curve: str) -> dict[str, Cell]:
    rows = data.limits[data.limits.curve == curve]
    return {"limit": text_cell(f"{rows.width.iloc[0]}x{rows.height.iloc[0]}") if len(rows) else Cell("-")}


def _key(quantity: str) -> str:
    return f"{quantity}_{QUANTITIES[quantity].unit.lower()}"


def _quantity_column(name: str) -> Column:
    group, _, title = QUANTITIES[name].label.partition(", ")
    return Column(_key(name), f"{title} [{QUANTITIES[name].unit}]", group, optional=name.startswith("macs_"))


def _gib_key(size: float) -> str:
    return f"largest_in_{size:g}_gib_mp"
