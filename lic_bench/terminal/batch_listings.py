"""What a run measured in batches, for the terminal: images and megapixels per second."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from lic_bench.terminal.plain_table import plain_table

if TYPE_CHECKING:
    from lic_bench.store.run_folder import Run

OPERATIONS = ("encode", "decode")
Key = tuple[str, int, str]  # codec, quality, data set


def batch_points(run: "Run") -> dict[Key, list[dict[str, Any]]]:
    """The batches of each codec, quality and data set: images and megapixels per second, None of failed ones.

    changed: how many pictures get other bytes than alone.
    """
    from lic_bench.report.frames.codec_costs import throughput_frame

    points: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in throughput_frame(run).to_dict("records"):
        point: dict[str, Any] = {str(name): row[name] for name in ("batch", "width", "height", "images", "pictures")}
        error = row["error"] if isinstance(row["error"], str) else None  # it may be NaN
        for name in OPERATIONS:
            per_s = None if error else float(row[f"{name}_per_s"])
            megapixels = row["width"] * row["height"] / 1e6
            point[f"{name}_images_per_s"] = per_s
            point[f"{name}_mp_per_s"] = None if per_s is None else per_s * megapixels
        point |= {"changed": len(row["changed"]), "error": error}
        points[row["codec"], row["quality"], row["dataset"]].append(point)
    return points


def best_batch(batches: Sequence[Mapping[str, Any]], operation: str) -> str:
    """Images per second at the batch where it is the most, with that batch: "12.3 (16)"; "-" if there is none."""
    rates = {b["batch"]: rate for b in batches if (rate := b[f"{operation}_images_per_s"]) is not None}
    return f"{max(rates.values()):.3g} ({max(rates, key=rates.__getitem__)})" if rates else "-"


def batch_summary(points: Sequence[Mapping[str, Any]]) -> Table:
    """One row for each batch of these points of a run."""
    rows = []
    for point in points:
        for batch in point["throughput"]:
            rates = [batch[f"{name}_{unit}_per_s"] for name in OPERATIONS for unit in ("images", "mp")]
            numbers = ["-" if rate is None else f"{rate:.3g}" for rate in rates]
            names = [point["codec"], str(point["quality"]), point["dataset"], str(batch["batch"])]
            rows.append([*names, *numbers, _bytes(batch)])
    titles = ["codec", "quality", "data set", "batch"]
    return plain_table([*titles, "enc img/s", "enc MP/s", "dec img/s", "dec MP/s", "bytes"], rows)


def _bytes(batch: Mapping[str, Any]) -> str:
    if batch["error"]:
        return "failed"
    return f"{batch['changed']} changed" if batch["changed"] else "same"
