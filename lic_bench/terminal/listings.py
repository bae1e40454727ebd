"""Terminal tables: what is known, and what a run measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lic_bench.codecs.checkpoints import shipped_checkpoints
from lic_bench.codecs.registry import find_codecs
from lic_bench.spec import CodecSpec


def codecs_table() -> Table:
    """One row per codec: name and aliases, kind, default and allowed qualities, number of released weights, paper."""
    rows = []
    for spec in find_codecs().values():
        name = f"{spec.name}\n({', '.join(spec.aliases)})" if spec.aliases else spec.name
        count = len(spec.checkpoints)
        weights = f"{count} released file{'s' if count > 1 else ''}; " if count else ""
        if shipped := shipped_checkpoints(spec):
            weights += f"{len(shipped)} weights files with the package; "
        rows.append([name, spec.kind, _qualities(spec), weights + spec.paper])
    return plain_table(["codec", "kind", "qualities", "what"], rows)


def _qualities(spec: CodecSpec) -> str:
    """The default qualities and those allowed: "10, 30, 50 of 1..100", "1..6"."""
    unit = "" if spec.quality_name == "quality" else f" ({spec.quality_name})"
    if spec.quality_range:
        return f"{', '.join(map(str, spec.qualities))} of {spec.allowed_text()}{unit}"
    first, last = spec.qualities[0], spec.qualities[-1]
    has_all_between = spec.qualities == tuple(range(first, last + 1)) and first < last
    return (f"{first}..{last}" if has_all_between else spec.allowed_text()) + unit


def datasets_table() -> Table:
    """One row per named data set: number of images, sizes, how to get it."""
    from lic_bench.images.known_datasets import DATASETS

    rows = [[name, str(info.count), info.size, info.how, info.what] for name, info in DATASETS.items()]
    return plain_table(["data set", "images", "size", "how to get it", "what"], rows)


def published_table() -> Table:
    """One row per published curve: data sets and points, where it is from."""
    from lic_bench.rate_distortion.published import list_published

    rows = [[row.slug, row.datasets, row.origin, row.label] for row in list_published()]
    return plain_table(["slug", "data sets, points", "origin", "label"], rows)


TABLES = {"codecs": codecs_table, "datasets": datasets_table, "published": published_table}


def run_points(folder: Path) -> list[dict[str, Any]]:
    """A stored run by codec, quality and data set: counts, rate, quality and times as reports have them.

    None where an image that was coded has no such quality: no mean would be over all of them.
    """
    from lic_bench.report.frames.codec_costs import latency_frame
    from lic_bench.report.frames.rd_points import rd_points
    from lic_bench.store.run_folder import Run

    run = Run(folder)
    by = ["codec", "quality", "dataset"]
    points = rd_points(run).drop_duplicates(by).set_index(by)
    times = latency_frame(run).pivot_table("median_s", by, "operation")
    rows = []
    for key, group in run.records.groupby(by, sort=True):
        good = int((group.status == "ok").sum())
        rates = {name: _number(points, key, name) for name in ("bpp", "psnr_db", "ms_ssim")}
        seconds = {f"{name}_s": _number(times, key, name) for name in ("encode", "decode")}
        counts = {"images": good, "failed": len(group) - good}
        rows.append(dict(zip(by, key, strict=True)) | counts | rates | seconds)
    return rows


def run_summary(points: Sequence[dict[str, Any]]) -> Table:
    """One row for each of these points."""
    digits = {"bpp": 3, "psnr_db": 2, "ms_ssim": 4, "encode_s": 3, "decode_s": 3}
    rows = []
    for point in points:
        failed = f" ({point['failed']} failed)" if point["failed"] else ""
        numbers = ["-" if point[name] is None else f"{point[name]:.{count}f}" for name, count in digits.items()]
        rows.append([point["codec"], str(point["quality"]), point["dataset"], f"{point['images']}{failed}", *numbers])
    return plain_table(["codec", "quality", "data set", "images", "bpp", "PSNR dB", "MS-SSIM", "enc s", "dec s"], rows)


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table. The first column, of names, is never cut; the others wrap if the terminal is narrow."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    longest = max((len(line) for row in rows for line in row[0].split("\n")), default=0)
    table.add_column(columns[0], no_wrap=True, min_width=longest)
    for name in columns[1:]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # names are no markup
    return table


def _number(frame: Any, key: Any, column: str) -> float | None:
    value = frame[column].get(key) if column in frame else None
    return None if value is None or value != value else float(value)  # NaN is no number
