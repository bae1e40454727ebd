"""Terminal tables: what is known, and what a run measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from lic_bench.codecs.checkpoints import checkpoint_folders, find_checkpoints, shipped_checkpoints
from lic_bench.codecs.registry import find_codecs
from lic_bench.codecs.variants import possible_variants
from lic_bench.spec import VARIANT_MARK, CodecSpec, Streams, variant_order
from lic_bench.terminal.batch_listings import batch_points, best_batch
from lic_bench.terminal.plain_table import plain_table

if TYPE_CHECKING:
    import pandas as pd


def codecs_table() -> Table:
    """One row per codec: name, kind, allowed qualities, what it was trained for, and which weights are here."""
    rows = [
        [spec.name, spec.kind, _qualities(spec), spec.optimised_for or "-", _weights(spec)]
        for spec in find_codecs().values()
    ]
    return plain_table(["codec", "kind", "qualities", "trained for", "weights"], rows)


def codec_details(spec: CodecSpec) -> dict[str, Any]:
    """What a codec's SPEC tells a user, as plain values; of its weights also which are here."""
    here = find_checkpoints(spec, checkpoint_folders(None))
    names = (
        "label",
        "kind",
        "paper",
        "source",
        "licence",
        "entropy_coder",
        "optimised_for",
        "fills",
        "notes",
        "install",
    )
    weights = {
        str(quality): {"file": released.file, "lambda": released.lmbda, "url": released.url}
        for quality, released in spec.checkpoints.items()
    }
    for quality, file in here.items():
        weights.setdefault(str(quality), {})["here"] = str(file)
    return {
        "codec": spec.name,
        "aliases": list(spec.aliases),
        **{name: getattr(spec, name) for name in names},
        "qualities": list(spec.qualities),
        "allowed": f"{spec.allowed_text()} ({spec.quality_name})",
        "ablations": [f"{spec.name}-{ending}" for ending in spec.ablations],
        "variants": [VARIANT_MARK + name for name in possible_variants(spec)],
        "padding": spec.padding and spec.padding.text,
        "weights": weights,
        "bitstreams": _bitstreams(spec.streams) if spec.streams else {},
    }


def _bitstreams(streams: Streams) -> dict[str, Any]:
    """Where the released ones are, and of each quality the file of a picture and its lambda."""
    files = {str(q): {"file": file, "lambda": streams.lmbdas[q]} for q, file in streams.files.items()}
    return files | {f"of {streams.dataset}": {"from": streams.url}}


def details_table(details: Mapping[str, Any]) -> Table:
    """One row per field that has a value."""
    rows = [[name.replace("_", " "), _in_words(value)] for name, value in details.items() if value and name != "codec"]
    return plain_table(["codec", details["codec"]], rows)


def _in_words(value: Any) -> str:
    """A value of codec_details; of the weights a line for each quality."""
    if isinstance(value, dict):
        return "\n".join(
            f"{quality}: " + ", ".join(f"{name} {text}" for name, text in of_quality.items() if text is not None)
            for quality, of_quality in value.items()
        )
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _weights(spec: CodecSpec) -> str:
    """How many weights files are here: "2 of 6 here", "5 with the package", "none released"; "-" where none belong."""
    if spec.kind != "learned" or spec.own_weights:
        return "-"
    here = find_checkpoints(spec, checkpoint_folders(None))
    if spec.checkpoints:
        return f"{len(here.keys() & spec.checkpoints.keys())} of {len(spec.checkpoints)} here"
    if shipped := shipped_checkpoints(spec):
        return f"{len(shipped)} with the package"
    return f"{len(here)} of your own" if here else "none released"


def _qualities(spec: CodecSpec) -> str:
    """The allowed qualities: "1..100", "0..51 (QP)"."""
    unit = "" if spec.quality_name == "quality" else f" ({spec.quality_name})"
    if spec.quality_range:
        return spec.allowed_text() + unit
    first, last = spec.qualities[0], spec.qualities[-1]
    has_all_between = spec.qualities == tuple(range(first, last + 1)) and first < last
    return (f"{first}..{last}" if has_all_between else spec.allowed_text()) + unit


def dataset_rows() -> list[dict[str, Any]]:
    """The named data sets: number of images, sizes, how to get each."""
    from lic_bench.images.known_datasets import DATASETS

    return [
        {"data set": name, "images": info.count, "size": info.size, "how to get it": info.how, "what": info.what}
        for name, info in DATASETS.items()
    ]


def published_rows() -> list[dict[str, Any]]:
    """The published curves: data sets and points, where each is from."""
    from lic_bench.rate_distortion.published import list_published

    return [
        {"slug": row.slug, "data sets, points": row.datasets, "origin": row.origin, "label": row.label}
        for row in list_published()
    ]


def rows_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A table of rows with the same fields."""
    return plain_table(list(rows[0]), [[str(value) for value in row.values()] for row in rows])


def run_points(folder: Path) -> list[dict[str, Any]]:
    """A stored run by codec, quality and data set: counts, rate, quality, times and batches as reports have them.

    None where an image that was coded has no such quality: no mean would be over all of them.
    """
    from lic_bench.report.frames.codec_costs import latency_frame
    from lic_bench.report.frames.rd_points import rd_points
    from lic_bench.store.run_folder import Run

    run = Run(folder)
    by = ["codec", "quality", "dataset"]
    points = rd_points(run).drop_duplicates(by).set_index(by)
    times = latency_frame(run).pivot_table("median_s", by, "operation")
    batches = batch_points(run)
    groups: dict[Any, pd.DataFrame] = dict(list(run.records.groupby(by)))
    rows: list[dict[str, Any]] = []
    for key in sorted({*groups, *batches}, key=lambda key: (variant_order(key[0]), *key[1:])):
        group = groups.get(key, run.records.iloc[:0])
        good = int((group.status == "ok").sum())
        rates = {name: _number(points, key, name) for name in ("bpp", "psnr_db", "ms_ssim")}
        seconds = {f"{name}_s": _number(times, key, name) for name in ("encode", "decode")}
        counts = {"images": good, "failed": len(group) - good}
        throughput = {"throughput": batches.get(key, [])}
        rows.append(dict(zip(by, key, strict=True)) | counts | rates | seconds | throughput)
    return rows


def run_summary(points: Sequence[dict[str, Any]]) -> Table:
    """One row for each of these points; of batches the fastest one."""
    digits = {"bpp": 3, "psnr_db": 2, "ms_ssim": 4, "encode_s": 3, "decode_s": 3}
    titles = ["codec", "quality", "data set", "images", "bpp", "PSNR dB", "MS-SSIM", "enc s", "dec s"]
    in_batches = any(point["throughput"] for point in points)
    rows = []
    for point in points:
        failed = f" ({point['failed']} failed)" if point["failed"] else ""
        numbers = ["-" if point[name] is None else f"{point[name]:.{count}f}" for name, count in digits.items()]
        numbers += [best_batch(point["throughput"], name) for name in ("encode", "decode") if in_batches]
        rows.append([point["codec"], str(point["quality"]), point["dataset"], f"{point['images']}{failed}", *numbers])
    return plain_table([*titles, *(["enc img/s", "dec img/s"] if in_batches else [])], rows)


def _number(frame: Any, key: Any, column: str) -> float | None:
    value = frame[column].get(key) if column in frame else None
    return None if value is None or value != value else float(value)  # NaN is no number
