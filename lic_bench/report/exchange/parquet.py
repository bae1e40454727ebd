"""Rows as an Apache Parquet file, which keeps types and lists: the records of a run, or the points of curves."""

import io
import json
from collections.abc import Sequence
from typing import get_type_hints

import pandas as pd

from lic_bench.errors import UserError
from lic_bench.store.mean_curves import MeanCurve
from lic_bench.store.records import Record
from lic_bench.store.run_folder import Run


def records_parquet(run: Run) -> bytes:
    """A row per record, failed ones too: lists as lists, objects as JSON; run.json in the attributes of the frame.

    `pandas.read_parquet(...).attrs["run_json"]` has it again. Raises UserError without pyarrow.
    """
    hints = get_type_hints(Record)
    whole = {name: "Int64" for name, hint in hints.items() if hint in (int, int | None)}
    objects = [name for name in run.records if run.records[name].map(lambda value: isinstance(value, dict)).any()]
    frame = run.records.astype(whole).assign(run=run.name)
    for name in objects:
        frame[name] = frame[name].map(json.dumps)
    return _bytes(frame, {"run_json": json.dumps(run.info)})


def points_parquet(curves: Sequence[MeanCurve]) -> bytes:
    """A row per point, with the texts of its curve. Raises UserError without pyarrow."""
    texts = ("codec", "label", "dataset", "metric_optimised_for", "measured_by", "description", "sources")
    rows = [{name: getattr(curve, name) for name in texts} | point for curve in curves for point in curve.points]
    return _bytes(pd.DataFrame(rows), {})


def _bytes(frame: pd.DataFrame, attributes: dict[str, str]) -> bytes:
    frame.attrs.update(attributes)
    file = io.BytesIO()
    try:
        frame.to_parquet(file, engine="pyarrow", index=False)
    except ImportError:
        raise UserError("Parquet needs pyarrow: pip install 'lic-bench[parquet]'.") from None
    return file.getvalue()
