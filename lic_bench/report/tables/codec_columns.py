"""The columns that most tables begin with: which codec, from which source, on which data set, at which quality."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from lic_bench.report.labels import dataset_label
from lic_bench.report.tables.table import Cell, Column, Row, number_cell, text_cell
from lic_bench.store.records import ELSEWHERE

METHOD = Column("method", "Method", align="left")
SOURCE = Column("source", "Source", align="left")
DATASET = Column("dataset", "Data set", align="left")
QUALITY = Column("quality", "Quality")
ONLY_DECODES = ("It only decodes, bitstreams that its authors made: encoding is not measured.",)  # beside a dash


def codec_cells(row: Any) -> dict[str, Cell]:
    """The cells of METHOD and SOURCE, and of DATASET and QUALITY if the row of the frame has them."""
    provenance = getattr(row, "provenance", "measured")
    sources = {"published": "published", "imported": f"{row.run} (imported)"}
    source = sources.get(provenance) or f"{row.run} ({row.device})"
    cells = {"method": text_cell(row.label), "source": text_cell(source)}
    cells |= {"dataset": text_cell(dataset_label(row.dataset))} if hasattr(row, "dataset") else {}
    return cells | ({"quality": number_cell(row.quality, 0)} if hasattr(row, "quality") else {})


def table_rows(frame: pd.DataFrame, cells_of: Callable[[Any], Mapping[str, Cell]]) -> list[Row]:
    """A row of the table per row of the frame; measured if the frame does not say."""
    return [Row(_provenance(row), cells_of(row)) for row in frame.itertuples()]


def grouped_rows(frame: pd.DataFrame, *by: str) -> list[list[Any]]:
    """The rows of the frame as tuples, those together that agree in these columns."""
    found = defaultdict[tuple[Any, ...], list[Any]](list)
    for row in frame.itertuples():
        found[tuple(getattr(row, name) for name in by)].append(row)
    return list(found.values())


def _provenance(row: Any) -> str:
    elsewhere = getattr(row, "device", "") == ELSEWHERE
    return "elsewhere" if elsewhere else getattr(row, "provenance", "measured")
