"""The curves of a run, as what leaves it: means over images, with who measured them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lic_bench.errors import UserError
from lic_bench.report.exchange.point_values import KNOWN, METRICS
from lic_bench.report.frames.codec_costs import latency_frame
from lic_bench.report.frames.rd_points import rd_points
from lic_bench.report.labels import machine_name
from lic_bench.store.mean_curves import MeanCurve
from lic_bench.store.records import ELSEWHERE
from lic_bench.store.run_folder import Run


def curves_of(run: Run) -> tuple[list[MeanCurve], list[str]]:
    """A curve per codec, device and image set, as the report has them; and in words the points that are left out.

    A point over fewer images than the others of its run is no mean over the data set, and one without any metric has no
    place on a curve. Raises UserError if no point remains.
    """
    points, times = rd_points(run), latency_frame(run)
    whole = points.complete & points[[*METRICS]].notna().any(axis=1)
    curves = [
        _curve(run, group, times) for _, group in points[whole].groupby(["codec", "device", "image_set"], sort=False)
    ]
    left_out = [_left_out(point) for point in points[~whole].to_dict("records")]
    if not curves:
        why = left_out[0] if left_out else "it measured no quality, or with random weights alone"
        raise UserError(f"{run.folder} has no points to export: {why}.")
    return curves, left_out


def measured_by(run: Run, device: str) -> str:
    """Which version of lic-bench measured the run, on what, when."""
    made = run.info.get("environment") or {}
    version, commit = (made.get(name) for name in ("lic_bench", "git_commit"))
    parts = [f"lic-bench {version or ''}".strip() + (f" (commit {commit})" if commit else "")]
    machine = "of pictures that were coded elsewhere" if device == ELSEWHERE else machine_name(run.info, device)
    parts += [machine, f"run {run.name}", *filter(None, [made.get("time")])]
    return ", ".join(parts)


def _curve(run: Run, group: pd.DataFrame, times: pd.DataFrame) -> MeanCurve:
    first: Any = group.iloc[0]
    own = times[(times.curve == first.curve) & (times.dataset == first.dataset)]
    seconds = {(row.quality, f"{row.operation}_s"): row.median_s for row in own.itertuples()}
    return MeanCurve(
        codec=first.codec,
        label=first.label,
        dataset=first.image_set,
        metric_optimised_for=first.metric_optimised_for,
        measured_by=measured_by(run, first.device),
        description=", ".join(filter(None, (f"{first.n_images:.0f} images", first["mode"], first.version))),
        points=[_point(row, seconds) for row in group.to_dict("records")],
    )


def _point(row: Mapping[Any, Any], seconds: Mapping[Any, float]) -> dict[str, float]:
    timed = {name: value for (quality, name), value in seconds.items() if quality == row["quality"]}
    values = {name: row[name] for name in KNOWN if name in row} | timed
    return {name: float(value) for name, value in values.items() if not pd.isna(value)}


def _left_out(point: Mapping[Any, Any]) -> str:
    place = f"{point['codec']}, quality {point['quality']:g} on {point['dataset']}, is left out"
    if point["complete"]:
        return f"{place}: its quality was not measured, or an image came back exactly"
    return f"{place}: {point['n_images']:.0f} images were coded, {point['n_failed']} failed or others are missing"
