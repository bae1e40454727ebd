"""Rate-distortion points and tables that others published: read from the data in results/published, never measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lic_bench.errors import UserError, unknown
from lic_bench.rate_distortion.shipped_data import shipped_files

if TYPE_CHECKING:
    import pandas as pd

METRICS = {"psnr": "psnr_db", "ms_ssim_db": "ms_ssim_db", "ms_ssim": "ms_ssim"}  # field of a point -> our column
PRINTED_AT = 768, 512  # width and height at which the paper's Table 1 counts FLOPs
COLUMNS = [
    *("codec", "label", "dataset", "metric_optimised_for", "source", "origin", "note"),
    *("bpp", "psnr_db", "ms_ssim_db", "ms_ssim", "provenance"),
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One published codec, in words. datasets: names with the number of points; points: their sum."""

    slug: str
    label: str
    datasets: str
    points: int
    origin: str
    source: str


@dataclass(frozen=True, slots=True)
class TestSet:
    """A data set as the papers used it. size: the (width, height) of every image, turned or not; None: it varies."""

    images: int
    size: tuple[int, int] | None


@cache
def _published_folder() -> Path:
    files = shipped_files("published/tables.json")
    if not files:
        raise UserError("The published data did not come with lic-bench; install it again.")
    return files[0].parent


@cache
def paper_tables() -> dict[str, Any]:
    """tables.json: Tables 1 to 5 of arXiv:2502.05741, with setup and known slips. Not to be changed."""
    return _read_json(_published_folder() / "tables.json")


@cache
def test_sets() -> dict[str, TestSet]:
    """name -> the data set the published points were measured on."""
    sets = {}
    for name, values in paper_tables()["setup"]["test_sets"].items():
        width, _, height = values["size"].partition("x")
        size = (int(width), int(height)) if width.isdigit() and height.isdigit() else None
        sets[name] = TestSet(values["images"], size)
    return sets


@cache
def printed_table1() -> pd.DataFrame:
    """The printed Table 1, one row per codec in the paper's order, indexed by slug; NaN where "-" is printed.

    One frame for all callers, not to be changed.
    Columns: method, enc_s, dec_s, dec_s_printed, dec_s_lower_bound, mem_g, flops_g, params_m, and bd_<dataset>.
    """
    import pandas as pd

    rows = []
    for row in paper_tables()["tables"]["1"]["rows"]:
        printed = {f"bd_{name}": value for name, value in row["bd_rate_psnr_pct"].items()}
        rows.append({key: value for key, value in row.items() if not isinstance(value, dict)} | printed)
    frame = pd.DataFrame(rows).set_index("codec")
    numbers = [name for name in frame if name not in ("method", "dec_s_printed")]
    return frame.astype(dict.fromkeys(numbers, float))


def printed_complexity(slug: str | None) -> tuple[float, float] | None:
    """FLOPs in G (thop's multiply-accumulates at 768x512) and parameters in millions of Table 1; None: not printed."""
    printed = printed_table1()
    if slug is None or slug not in printed.index or printed.flops_g.isna()[slug]:
        return None
    return float(printed.flops_g[slug]), float(printed.params_m[slug])


def printed_table4() -> dict[str, dict[str, float | None]]:
    """The printed Table 4, BD-rate on MS-SSIM: slug -> data set -> percent; rows without published points left out."""
    rows = paper_tables()["tables"]["4"]["rows"]
    return {row["codec"]: row["bd_rate_msssim_pct"] for row in rows if row["codec"]}


def choose_slugs(which: str, metric: str = "psnr_db") -> tuple[str, ...]:
    """The slugs meant by `which`: "all", "paper" (Table 1; for "ms_ssim_db" Table 4), "none", or "slug,slug"."""
    if which == "none":
        return ()
    if which == "all":
        return tuple(_files_by_slug())
    if which == "paper":
        return tuple(printed_table1().index) if metric == "psnr_db" else tuple(printed_table4())
    slugs = tuple(dict.fromkeys(part.strip() for part in which.split(",") if part.strip()))
    for slug in slugs:
        if slug not in _files_by_slug():
            raise unknown("published codec", slug, [*_files_by_slug(), "all", "paper", "none"])
    return slugs


def load_points(slugs: Sequence[str]) -> pd.DataFrame:
    """Every published point of the codecs, columns COLUMNS; NaN for a metric that the source does not give."""
    import pandas as pd

    rows = [row for slug in slugs for file in _files_of(slug) for row in _points_in(file)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype(dict.fromkeys(("bpp", *METRICS.values()), float))


def list_published() -> list[Entry]:
    """All published codecs, in order of their slugs."""
    entries = []
    for slug, files in _files_by_slug().items():
        curves = [_read_json(file) for file in files]
        counts = [len(curve["points"]) for curve in curves]
        datasets = ", ".join(f"{curve['dataset']} {n}" for curve, n in zip(curves, counts, strict=True))
        label = published_label(slug) or slug
        entries.append(Entry(slug, label, datasets, sum(counts), curves[0]["origin"], curves[0]["source"]))
    return entries


@cache
def published_label(slug: str) -> str | None:
    """The label of a published codec; None if nothing is published under that slug."""
    for row in paper_tables()["tables"]["1"]["rows"]:
        if row["codec"] == slug:
            return str(row["method"]).removesuffix(" (Ours)")
    return min((str(_read_json(file)["label"]) for file in _files_by_slug().get(slug, ())), key=len, default=None)


@cache
def _files_by_slug() -> dict[str, tuple[Path, ...]]:
    """slug -> its files, one per data set."""
    files: dict[str, tuple[Path, ...]] = {}
    for file in sorted((_published_folder() / "rd").glob("*/*.json"), key=lambda f: (f.stem, f.parent.name)):
        files[file.stem] = (*files.get(file.stem, ()), file)
    return files


def _files_of(slug: str) -> tuple[Path, ...]:
    if slug not in _files_by_slug():
        raise unknown("published codec", slug, _files_by_slug())
    return _files_by_slug()[slug]


@cache
def _read_json(file: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return values


def _points_in(file: Path) -> list[dict[str, Any]]:
    values = _read_json(file)
    common = {name: values.get(name) for name in COLUMNS[:6]} | {"note": values.get("note", "")}
    common |= {"label": published_label(values["codec"]), "provenance": "published"}
    return [common | {ours: p.get(name) for name, ours in ({"bpp": "bpp"} | METRICS).items()} for p in values["points"]]
