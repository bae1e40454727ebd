"""The tables of scaling runs: what was measured at each size, the fits, the largest image per size of memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lic_bench.errors import UserError
from lic_bench.rate_distortion.growth_fits import FAR, MIN_CURVED, MIN_SIZES, Fit, Parabola, Reach
from lic_bench.report.frames.scaling import GIB, MEMORY_GIB, QUANTITIES, Quantity, ScalingFrames
from lic_bench.report.tables.codec_columns import METHOD
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, text_cell

RANDOM = "Random weights: the entropy coder's share of this time is not representative."
TOO_FEW = f"Fewer than {MIN_SIZES} sizes: no fit."
LEVEL = "Does not grow with the image."
FASTER = "Grows faster than the pixels."
DOUBTFUL = f"May grow faster than the pixels; {MIN_CURVED} sizes would tell. If so, the largest image is smaller."
WHO = (
    METHOD,
    Column("source", "Source", align="left", optional=True),
    Column("quality", "Quality", optional=True),
)


def scaling_tables(data: ScalingFrames, memory_gib: Sequence[float] = MEMORY_GIB) -> list[Table]:
    """All of them; those without rows too."""
    return [sizes_table(data), fits_table(data), largest_table(data, memory_gib)]


def parse_memory_sizes(text: str) -> list[float]:
    """The sizes of --memory-sizes in GiB, ascending. Raises UserError for what is none."""
    try:
        sizes = sorted({float(part) for part in text.split(",") if part.strip()})
    except ValueError:
        sizes = []
    if not sizes or not all(0 < size < math.inf for size in sizes):
        raise UserError(f"--memory-sizes {text!r}: allowed are numbers above 0 with commas between, in GiB: 8,24,80.")
    return sizes


def sizes_table(data: ScalingFrames) -> Table:
    """One row per curve and size, the size at which memory ran out as well."""
    units = [Column(_key(name), _head(name), _group(name), optional=name.startswith("macs_")) for name in QUANTITIES]
    limits = data.limits.assign(quantity="limit", value=float("nan"))
    frame = pd.concat([part for part in (data.points, limits) if len(part)] or [data.points])
    rows = []
    for _, curve in frame.groupby("curve", sort=False):
        for _, group in curve.sort_values("mp", kind="stable").groupby("mp"):
            values = dict(zip(group.quantity, group.value, strict=True))
            rows.append(Row("measured", _who(group.iloc[0]) | _size(group.iloc[0]) | _values(values, group.iloc[0])))
    limit = _if_any(data, Column("limit", "Limit", align="left"))
    columns = [*WHO, Column("size", "Size"), *limit, *units]
    caption = (
        "Square synthetic pictures. Operations are multiply-accumulates, exact but for thop's, without the entropy "
        "coder, at the size that the network works on after padding. Memory is weights plus the peak growth of torch's "
        "allocator on a GPU, of the resident memory on a CPU. Times are medians; one codec is measured after the other."
    )
    return Table("scaling_sizes", "Cost by size of the image", caption, columns, rows)


def fits_table(data: ScalingFrames) -> Table:
    """One row per curve and quantity: the line, the exponent, how well each fits."""
    columns = [
        *WHO,
        *(Column("quantity", "Quantity", align="left"), Column("unit", "Unit", align="left")),
        *(
            Column("n_sizes", "Sizes", optional=True),
            Column("fixed", "fixed", "a + b x MP"),
            Column("per_mp", "per MP", "a + b x MP"),
        ),
        *(
            Column("r2", "R²", "a + b x MP"),
            Column("exponent", "p", "weights + c x MP^p"),
            Column("exponent_r2", "R²", "weights + c x MP^p", optional=True),
        ),
    ]
    order = list(QUANTITIES)
    frame = data.fits.assign(at=data.fits.quantity.map(order.index)).sort_values("at", kind="stable")
    rows = [
        Row("measured", _fit_cells(row))
        for _, curve in frame.groupby("curve", sort=False)
        for row in curve.itertuples()
    ]
    caption = (
        "Least squares over the sizes, of distances relative to the value. Three sizes leave one degree of freedom: R² "
        "is then near 1 for almost anything that grows. a below 0: it may grow faster than the pixels. The exponent is "
        "the slope between the logarithms, of memory without the weights, with R² of these; another fixed part makes "
        "it smaller than 1 although the rest grows in proportion."
    )
    return Table("scaling_fits", "Growth with the size of the image", caption, columns, rows)


def largest_table(data: ScalingFrames, memory_gib: Sequence[float] = MEMORY_GIB) -> Table:
    """Per curve and operation the largest image, in megapixels, that the memory fit has room for."""
    columns = [
        *WHO,
        Column("operation", "Operation", align="left"),
        *(
            Column(_gib_key(size), f"{size:g} GiB", "Largest image [MP] (side of a square)", optional=place > 0)
            for place, size in enumerate(memory_gib)
        ),
        *_if_any(data, Column("limit", "Out of memory at", align="left")),
    ]
    rows = []
    for row in data.fits[data.fits.quantity.str.startswith("memory_")].itertuples():
        found: Any = row
        cells = {_gib_key(size): _largest(found.fit, size * GIB) for size in memory_gib}
        cells |= {"operation": text_cell(found.quantity.removeprefix("memory_"))} | _limit(data, found.curve)
        rows.append(Row("measured", _who(found) | cells))
    caption = (
        "Predicted from the fit of the memory: the line, or what is clearly nearer to the values of the power law and "
        "a + b x MP + c x MP². Growth too slow to show at the sizes measured makes it smaller. What others need of the "
        "memory, CUDA's context, the system, a fragmented allocator, goes off before."
    )
    return Table("scaling_largest", "Largest image by memory", caption, columns, rows)


def _if_any(data: ScalingFrames, column: Column) -> list[Column]:
    """The column, where a codec ran out of memory."""
    return [column] if len(data.limits) else []


def _who(row: Any) -> dict[str, Cell]:
    return {
        "method": text_cell(row.label),
        "source": text_cell(f"{row.run} ({row.device})"),
        "quality": number_cell(row.quality, 0),
    }


def _size(row: Any) -> dict[str, Cell]:
    return {"size": text_cell(f"{row.width}x{row.height}")}


def _values(values: Mapping[str, float], row: Any) -> dict[str, Cell]:
    cells = {"limit": text_cell("out of memory")} if "limit" in values else {}
    for name, quantity in QUANTITIES.items():
        notes = (RANDOM,) if name.startswith("time_") and row.weights == "random" and name in values else ()
        value = values.get(name)
        cells[_key(name)] = number_cell(None if value is None else value / quantity.scale, quantity.digits, notes=notes)
    return cells


def _fit_cells(row: Any) -> dict[str, Cell]:
    quantity, found = QUANTITIES[row.quantity], row.fit
    notes = [RANDOM] if row.quantity.startswith("time_") and row.weights == "random" else []
    cells = _who(row) | {
        "quantity": text_cell(quantity.label),
        "unit": text_cell(quantity.unit),
        "n_sizes": number_cell(row.n_sizes, 0),
    }
    if found is None:
        return cells | {"per_mp": Cell("-", None, (TOO_FEW,))}
    line, power = found.line, found.power
    notes += [_law(found.best, quantity)] if isinstance(found.best, Parabola) else []
    notes += [DOUBTFUL] if found.doubtful else []
    cells |= {"fixed": number_cell(line.a / quantity.scale, quantity.digits), "r2": number_cell(line.r2, 4)}
    cells |= {"per_mp": number_cell(line.b / quantity.scale, quantity.digits, notes=notes)}
    if power is not None:
        cells |= {"exponent": number_cell(power.p, 3), "exponent_r2": number_cell(power.r2, 4)}
    return cells


def _largest(found: Fit | None, budget: float) -> Cell:
    if found is None:
        return Cell("-", None, (TOO_FEW,))
    reach = found.reaches(budget)
    if reach is None:
        return Cell("-", None, (LEVEL,))
    side = int(np.sqrt(reach.x * 1e6))
    return Cell(f"{reach.x:.1f} ({side})", reach.x, tuple(_doubts(found, reach)))


def _doubts(found: Fit, reach: Reach) -> list[str]:
    """What a prediction has against it."""
    far = f"More than {FAR:g} times the largest size measured, {found.measured:.3g} MP."
    said = ((reach.far, far), (reach.faster, FASTER), (reach.doubtful, DOUBTFUL))
    return [note for true, note in said if true]


def _law(found: Parabola, quantity: Quantity) -> str:
    a, b, c = (f"{value / quantity.scale:.4g}" for value in (found.a, found.b, found.c))
    return f"{FASTER} Nearer to the values than a line: {a} + {b} x MP + {c} x MP² {quantity.unit}."


def _limit(data: ScalingFrames, curve: str) -> dict[str, Cell]:
    rows = data.limits[data.limits.curve == curve]
    return {"limit": text_cell(f"{rows.width.iloc[0]}x{rows.height.iloc[0]}") if len(rows) else Cell("-")}


def _key(quantity: str) -> str:
    return f"{quantity}_{QUANTITIES[quantity].unit.lower()}"


def _group(quantity: str) -> str:
    return QUANTITIES[quantity].label.partition(", ")[0]


def _head(quantity: str) -> str:
    return f"{QUANTITIES[quantity].label.partition(', ')[2]} [{QUANTITIES[quantity].unit}]"


def _gib_key(size: float) -> str:
    return f"largest_in_{size:g}_gib_mp"
