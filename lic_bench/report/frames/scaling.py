"""How time, memory and operations grow with the image, from runs of `lic-bench scale`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lic_bench.rate_distortion.growth_fits import Fit, fit
from lic_bench.report.frames.codec_costs import OPERATIONS, failures_frame, identity_columns, memory_of_operation
from lic_bench.report.frames.rd_points import curve_id
from lic_bench.report.labels import codec_label
from lic_bench.store.records import LIMITS_OF_MEMORY
from lic_bench.store.run_folder import Run

MEMORY_GIB = (8.0, 12.0, 16.0, 24.0, 48.0, 80.0)
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity that grows with the image. One `unit` is `scale` multiply-accumulates, bytes or seconds."""

    label: str
    unit: str
    scale: float
    digits: int = 1


QUANTITIES = {
    "macs_forward": Quantity("Operations, forward", "GMAC", 1e9, 2),
    "macs_encode": Quantity("Operations, encode", "GMAC", 1e9, 2),
    "macs_decode": Quantity("Operations, decode", "GMAC", 1e9, 2),
    "macs_thop": Quantity("Operations, forward by thop", "GMAC", 1e9, 2),
    "memory_encode": Quantity("Memory, encode", "MB", 1e6),
    "memory_decode": Quantity("Memory, decode", "MB", 1e6),
    "time_encode": Quantity("Time, encode", "ms", 1e-3),
    "time_decode": Quantity("Time, decode", "ms", 1e-3),
}
IDENTITY = ["curve", "run", "codec", "label", "device", "weights", "quality"]
POINTS = [*IDENTITY, "quantity", "width", "height", "mp", "value", "fixed"]
FITS = [*IDENTITY, "quantity", "n_sizes", "fit"]
LIMITS = [*IDENTITY, "width", "height", "mp", "error"]


@dataclass(frozen=True, slots=True)
class ScalingFrames:
    """The frames of all scaling runs of a report.

    points: a row per curve, quantity and size, columns POINTS. mp: megapixels (10^6 pixels). value: MACs, bytes or
        seconds. fixed: the part of value that does not grow, a codec's weights.
    fits: a row per curve and quantity, columns FITS. fit: a Fit over mp, None for too few sizes.
    limits: a row per curve that ran out of memory, at the smallest such size, columns LIMITS.
    """

    runs: Sequence[Run]
    points: pd.DataFrame
    fits: pd.DataFrame
    limits: pd.DataFrame


def is_scaling(run: Run) -> bool:
    """Whether the run was made by `lic-bench scale`."""
    return bool((run.info.get("config") or {}).get("sizes"))


def scaling_frames(runs: Sequence[Run]) -> ScalingFrames:
    """The frames of these scaling runs."""
    points = pd.DataFrame([row for run in runs for row in _points(run)], columns=POINTS)
    limits = pd.DataFrame([row for run in runs for row in _limits(run)], columns=LIMITS)
    return ScalingFrames(runs, points, _fits(points), limits)


def unexpected_failures(run: Run) -> pd.DataFrame:
    """The failed records, columns FAILURES; of a scaling run without the limits of memory that it looked for."""
    frame = failures_frame(run)
    return frame[~frame.failure.isin(LIMITS_OF_MEMORY)] if is_scaling(run) else frame


def _points(run: Run) -> Iterator[dict[str, Any]]:
    ok = run.records[run.records.status == "ok"]
    for _, group in ok.groupby(["codec", "device", "quality"], sort=False):
        identity = _identity(run, group)
        for row in group.to_dict("records"):
            yield from _rows(identity, row, _measured(row), float(row["peak_memory_bytes"].get("weights", 0)))
    counted = run.complexity[(run.complexity.status == "ok") & run.complexity.macs.notna()]
    for codec, group in counted.groupby("codec", sort=False):
        identity = _identity(run, run.records[run.records.codec == codec], group)
        for row in group.to_dict("records"):
            name = "macs_thop" if row["counter"] == "thop" else f"macs_{row['path']}"
            yield from _rows(identity, row, {name: row["macs"]} if row["counter"] != "fvcore" else {})


def _rows(
    identity: dict[str, Any], row: Mapping[Any, Any], values: Mapping[str, float], weights: float = 0.0
) -> Iterator[dict[str, Any]]:
    width, height = row["width"], row["height"]
    for name, value in values.items():
        yield identity | {
            "quantity": name,
            "width": width,
            "height": height,
            "mp": width * height / 1e6,
            "value": float(value),
            "fixed": weights if name.startswith("memory_") else 0.0,
        }


def _measured(row: Mapping[Any, Any]) -> dict[str, float]:
    """quantity -> bytes, or the median of the samples in seconds."""
    values: dict[str, float] = {}
    for operation in OPERATIONS:
        memory = memory_of_operation(row["peak_memory_bytes"], operation)
        values |= {} if memory is None else {f"memory_{operation}": memory}
        samples = row[f"{operation}_s"]
        values |= {f"time_{operation}": float(pd.Series(samples).median())} if samples else {}
    return values


def _limits(run: Run) -> Iterator[dict[str, Any]]:
    failed = run.records[run.records.failure == "out_of_memory"]
    for codec, group in failed.groupby("codec", sort=False):
        first: Any = group.assign(mp=group.width * group.height / 1e6).sort_values("mp").iloc[0]
        records = run.records[run.records.codec == codec]
        known = {name: first[name] for name in ("width", "height", "mp", "error")}
        yield _identity(run, records[records.status == "ok"] if (records.status == "ok").any() else records) | known


def _identity(run: Run, records: pd.DataFrame, complexity: pd.DataFrame | None = None) -> dict[str, Any]:
    """The columns IDENTITY; complexity: the rows of a codec that was counted but not measured."""
    if len(records):
        known = identity_columns(run, records)
        return {name: known[name] for name in IDENTITY}
    assert complexity is not None
    first, device = complexity.iloc[0], str((run.info.get("config") or {}).get("device", ""))
    named = {"codec": first.codec, "label": codec_label(first.codec), "quality": int(first.quality)}
    return {"curve": curve_id(run.name, first.codec, device), "run": run.name, "device": device, "weights": "", **named}


def _fits(points: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for _, group in points.groupby(["curve", "quality", "quantity"], sort=False):
        first = group.iloc[0]
        curve_fit: Fit | None = fit(group.mp.tolist(), group.value.tolist(), float(group.fixed.min()))
        rows.append({name: first[name] for name in (*IDENTITY, "quantity")} | {"n_sizes": len(group), "fit": curve_fit})
    return pd.DataFrame(rows, columns=FITS)
