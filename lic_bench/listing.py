"""Terminal tables: what is known, and what a run measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from lic_bench.errors import UserError, unknown
from lic_bench.registry import find_codecs


def codecs_table() -> Table:
    """Every codec: name, aliases, kind, ladder, weights, paper."""
    table = _table("codec", "aliases", "kind", "qualities", "allowed", "weights", "paper or standard")
    for spec in find_codecs().values():
        table.add_row(
            spec.name,
            ", ".join(spec.aliases),
            spec.kind,
            f"{spec.quality_name} {','.join(map(str, spec.qualities))}",
            spec.allowed_text() if spec.quality_range else "",
            f"{len(spec.checkpoints)} files" if spec.checkpoints else "",
            spec.paper,
        )
    return table


def datasets_table() -> Table:
    """Every named data set: images, sizes, how to get it."""
    from lic_bench.datasets import DATASETS

    table = _table("data set", "images", "size", "how to get it", "what")
    for name, info in DATASETS.items():
        table.add_row(name, str(info.count), info.size, info.how, info.what)
    return table


def published_table() -> Table:
    """Every published curve: data sets, points, where it is from."""
    from lic_bench.published import list_published

    table = _table("slug", "label", "data sets (points)", "origin", "source")
    for row in list_published():
        table.add_row(row.slug, row.label, row.datasets, row.origin, row.source)
    return table


TABLES: dict[str, Callable[[], Table]] = {
    "codecs": codecs_table,
    "datasets": datasets_table,
    "published": published_table,
}


def unknown_table(what: str) -> UserError:
    """The error for `lic-bench list WHAT`."""
    return unknown("list", what, TABLES)


def run_summary(folder: Path) -> Table:
    """One row per codec, quality and data set of a stored run: counts, mean rate and quality, median times."""
    from lic_bench.store import Run

    table = _table("codec", "quality", "data set", "images", "failed", "bpp", "PSNR dB", "MS-SSIM", "enc s", "dec s")
    frame = Run(folder).records
    for (codec, quality, dataset), rows in frame.groupby(["codec", "quality", "dataset"], sort=True):
        good = rows[rows.status == "ok"].to_dict("records")
        distortion = [row for row in good if row["weights"] != "random"]
        table.add_row(
            str(codec),
            str(quality),
            str(dataset),
            str(len(good)),
            str(len(rows) - len(good) or ""),
            _mean([row["payload_bytes"] * 8 / (row["width"] * row["height"]) for row in distortion], 3),
            _mean([row["psnr_db"] for row in distortion], 2),
            _mean([row["ms_ssim"] for row in distortion], 4),
            _mean([median(row["encode_s"]) for row in good if row["encode_s"]], 3),
            _mean([median(row["decode_s"]) for row in good if row["decode_s"]], 3),
        )
    return table


def _table(*columns: str) -> Table:
    """A plain table whose last column is cut, not wrapped, where the terminal is narrow."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True)
    for name in columns[:-1]:
        table.add_column(name)
    table.add_column(columns[-1], no_wrap=True, overflow="ellipsis", ratio=1)
    return table


def _mean(values: list[Any], digits: int) -> str:
    numbers = [v for v in values if v is not None and v == v]
    return f"{fmean(numbers):.{digits}f}" if numbers else "-"
