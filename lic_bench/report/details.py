"""The tables behind Table 1: BD-rate by method, points, times, memory, operations, failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.bd_rate import METHODS
from lic_bench.report.data import Data
from lic_bench.report.labels import METRIC_NAMES, dataset_label, notes_of, published_twin, sort_datasets
from lic_bench.report.table import Cell, Column, Row, Table, number, text

TIMES = {"median": "median_s", "p10": "p10_s", "p90": "p90_s", "per_mp": "s_per_mp", "cold": "cold_start_s"}
Cells = Callable[[Any], Mapping[str, Cell]]
EXACT = "An image came back exactly, so PSNR has no finite mean, or quality was not measured: not in the curve."
PRINTED_MS_SSIM = "The paper's Table 4 prints {was:.2f}; the published points give {now}."


def bd_table(data: Data, metric: str) -> Table:
    """Per curve and data set: pchip, cubic, akima, overlap, common range, leave-one-point-out span, points."""
    frame = data.visible(data.bd_for(metric), metric)
    frame = frame[frame.codec.ne(data.anchor.slug(metric)) | (frame.provenance == "measured")]
    frame = frame[frame.curve.ne(frame.anchor_curve)]  # an anchor against itself
    columns = [
        *(Column("method", "Method", align="left"), Column("source", "Source", align="left")),
        *(Column("dataset", "Data set", align="left"), Column("anchor", "Anchor", align="left")),
        *(Column(name, name, "BD-rate [%]") for name in METHODS),
        Column("loo", "leave one out", "BD-rate [%]"),
        *(Column("overlap_pct", "overlap [%]", "Common range"), Column("range_db", "dB", "Common range")),
        Column("n_points", "Points"),
    ]
    caption = (
        "Each against the anchor beside it, negative is better. Overlap: common interval over "
        "joint range. Leave one out: lowest and highest pchip value with one point of the curve left out; "
        "differences within it do not rank codecs."
    )
    name = {"psnr_db": "bd_rate", "ms_ssim_db": "bd_rate_ms_ssim"}[metric]
    title = f"BD-rate ({METRIC_NAMES[metric]}) in detail"
    return Table(name, title, caption, columns, _rows(_by_dataset(frame), _bd_cells))


def rd_table(data: Data) -> Table:
    """Every rate-distortion point that is shown for any metric."""
    frame = _shown(data)
    columns = [
        *(Column("method", "Method", align="left"), Column("source", "Source", align="left")),
        *(Column("dataset", "Data set", align="left"), Column("quality", "Quality")),
        *(Column("bpp", "payload", "bpp"), Column("bpp_total", "total", "bpp")),
        *(Column("psnr_db", "PSNR [dB]"), Column("ms_ssim_db", "MS-SSIM [dB]"), Column("ms_ssim", "MS-SSIM")),
        *(Column("n_images", "Images"), Column("n_failed", "Failed")),
    ]
    caption = "Means over images; MS-SSIM in dB is the mean of the per-image dB, where the source gives it."
    return Table("rd_points", "Rate-distortion points", caption, columns, _rows(_by_dataset(frame), _rd_cells))


def latency_table(data: Data) -> Table:
    """Median, p10, p90 of encoding and decoding per codec, quality and data set, in milliseconds."""
    columns = [
        *(Column("method", "Method", align="left"), Column("source", "Source", align="left")),
        *(Column("dataset", "Data set", align="left"), Column("quality", "Quality")),
        *(c for name in ("encode", "decode") for c in _time_columns(name)),
        *(Column("n_images", "Images"), Column("n_samples", "Samples")),
    ]
    keys = ["curve", "run", "codec", "label", "device", "weights", "dataset", "quality"]
    groups = data.latency.groupby(keys, sort=False)
    rows = [Row("measured", _latency_cells(group)) for _, group in groups]
    caption = (
        "Over the repeats of each image, then the mean over images. Encoding: image tensor to bytes; decoding: bytes "
        "to 8-bit image; both synchronised with the device. Cold start: the first call of a freshly loaded codec."
    )
    return Table("latency", "Latency", caption, columns, rows)


def memory_table(data: Data) -> Table:
    """The peak of each kind of memory per codec, quality and data set, in megabytes."""
    kinds = sorted(set(data.memory.what))
    columns = [
        *(Column("method", "Method", align="left"), Column("source", "Source", align="left")),
        *(Column("dataset", "Data set", align="left"), Column("quality", "Quality")),
        *map(_memory_column, kinds),
    ]
    groups = data.memory.groupby(["run", "codec", "label", "device", "dataset", "quality"], sort=False)
    rows = []
    for _, group in groups:
        values = {f"{what}_mb": number(peak / 1e6, 1) for what, peak in zip(group.what, group.bytes, strict=True)}
        rows.append(Row("measured", _where(group.iloc[0]) | values))
    caption = (
        "Megabytes (10^6 bytes), the largest over the images. allocated, reserved: torch's allocator on the GPU with "
        "all loaded codecs; nvml process: what the driver counts for the process, CUDA's context included; nvml "
        "device: for everyone on the GPU; rss: resident memory of the whole process; children rss: of the programs it "
        "starts; growth: the rise during the call, the codec's own."
    )
    return Table("memory", "Peak memory", caption, columns, rows)


def complexity_table(data: Data) -> Table:
    """Multiply-accumulates and parameters by each counter, and what the counter left out."""
    columns = [
        *(Column("method", "Method", align="left"), Column("run", "Run", align="left")),
        *(Column("quality", "Quality"), Column("size", "Size"), Column("counter", "Counter", align="left")),
        *(Column("path", "Path", align="left"), Column("gmac", "GMAC"), Column("kmac_per_pixel", "kMAC/pixel")),
        *(Column("against_exact_pct", "Against exact [%]"), Column("parameters_m", "Params(M)")),
        *(Column("paper_gmac", "GMAC", "LALIC paper"), Column("paper_params_m", "Params(M)", "LALIC paper")),
        Column("uncounted", "Counted as nothing", align="left", folded="kinds"),
    ]
    caption = (
        "LALIC paper: what its Table 1 prints for this codec, at 768 x 512. thop counts module by module, by their "
        "class; fvcore the operators of a traced graph; exact every convolution and matrix product that runs, and "
        "operators of codecs that state their cost. One multiply-accumulate is two FLOPs; of operators that state "
        "operations, half. What runs twice counts twice, buffers never. Parameters count once; thop counts those of "
        "modules that it has a rule for, and twice where a module is registered twice. Encode and decode are what "
        "compressing and decompressing run, without the entropy coder. Where a counter is more than 5 % from exact, "
        "in all or in one kind of arithmetic, a note says by what."
    )
    return Table("complexity", "Operations and parameters", caption, columns, _rows(data.complexity, _complexity_cells))


def failures_table(data: Data) -> Table:
    """Every failed record with its error."""
    keys = ("run", "quality", "dataset", "image", "error")
    columns = [Column("method", "Method", align="left"), *(Column(key, key.title(), align="left") for key in keys)]
    caption = "Failed records enter no mean and no curve; a quality with a failed image is left out of its curve."
    rows = _rows(data.failures, lambda r: {"method": text(r.label)} | {key: text(getattr(r, key)) for key in keys})
    return Table("failures", "Failures", caption, columns, rows)


def sources_table(data: Data) -> Table:
    """Where every published curve of the report is from."""
    shown = _shown(data)
    shown = shown[shown.provenance == "published"].drop_duplicates(["codec", "dataset"])[["codec", "dataset"]]
    frame = published.load_points(list(shown.codec)).drop_duplicates(["codec", "dataset"]).merge(shown)
    columns = [
        *(Column("method", "Method", align="left"), Column("slug", "Slug", align="left")),
        *(Column("dataset", "Data set", align="left"), Column("origin", "Origin", align="left")),
        *(Column("source", "From", align="left"), Column("note", "Note", align="left")),
    ]
    caption = "Nothing of this was measured here. Digitised: read off a figure."
    return Table("sources", "Sources of the published points", caption, columns, _rows(frame, _source_cells))


def _shown(data: Data) -> pd.DataFrame:
    """The points that are shown for any metric."""
    parts = [data.visible(data.points[data.points[metric].notna()], metric) for metric in METRIC_NAMES]
    parts.append(data.points[data.points.provenance == "measured"])
    return data.points.loc[sorted(set().union(*(part.index for part in parts)))]


def _source_cells(row: Any) -> dict[str, Cell]:
    cells = {"method": text(row.label), "slug": text(row.codec), "dataset": text(dataset_label(row.dataset))}
    return cells | {key: text(getattr(row, key) or "-") for key in ("origin", "source", "note")}


def _rows(frame: pd.DataFrame, cells: Cells) -> list[Row]:
    return [Row(getattr(row, "provenance", "measured"), cells(row)) for row in frame.itertuples()]


def _by_dataset(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with the data sets in the paper's order, otherwise as they come."""
    order = sort_datasets(set(frame.dataset))
    return frame.assign(at=frame.dataset.map(order.index)).sort_values("at", kind="stable")


def _where(row: Any) -> dict[str, Cell]:
    source = "published" if getattr(row, "provenance", "") == "published" else f"{row.run} ({row.device})"
    cells = {"method": text(row.label), "source": text(source), "dataset": text(dataset_label(row.dataset))}
    return cells | ({"quality": number(row.quality, 0)} if hasattr(row, "quality") else {})


def _bd_cells(row: Any) -> dict[str, Cell]:
    notes = [
        note
        for note in (row.reason, row.left_out and f"{row.left_out}.", row.anchor_note, _printed_ms_ssim(row))
        if note
    ]
    methods = {name: number(getattr(row, name), 2, notes=notes if name == "pchip" else ()) for name in METHODS}
    span = "" if pd.isna(row.loo_low) else f"{row.loo_low:.2f} .. {row.loo_high:.2f}"
    common = "" if pd.isna(row.low) else f"{row.low:.2f} .. {row.high:.2f}"
    more = {"overlap_pct": number(100 * row.overlap, 0), "n_points": number(row.n_points, 0)}
    spans = {key: Cell(value or "-", value or None) for key, value in (("loo", span), ("range_db", common))}
    return _where(row) | {"anchor": text("-" if row.reason else row.anchor)} | methods | more | spans


def _printed_ms_ssim(row: Any) -> str:
    """What Table 4 prints, where the published points give another value."""
    if row.metric != "ms_ssim_db" or row.provenance != "published" or row.anchor_curve != "published:vtm-9.1-lalic":
        return ""
    was = published.table4().get(row.codec, {}).get(row.dataset)
    now = f"{row.pchip:.2f}"
    return "" if was is None or f"{was:.2f}" == now else PRINTED_MS_SSIM.format(was=was, now=now)


def _rd_cells(row: Any) -> dict[str, Cell]:
    note = () if row.complete else ("Not over all images: left out of the curve.",)
    exact = (EXACT,) if row.provenance == "measured" and pd.isna(row.psnr_db) else ()
    cells = {"bpp": number(row.bpp, 4, notes=note), "bpp_total": number(row.bpp_total, 4)}
    cells |= {
        "psnr_db": number(row.psnr_db, 3, notes=exact),
        "ms_ssim_db": number(row.ms_ssim_db, 3),
        "ms_ssim": number(row.ms_ssim, 5),
    }
    return _where(row) | cells | {"n_images": number(row.n_images, 0), "n_failed": number(row.n_failed, 0)}


def _time_columns(operation: str) -> list[Column]:
    group = {"encode": "Encoding [ms]", "decode": "Decoding [ms]"}[operation]
    parts = {"median": "median", "p10": "p10", "p90": "p90", "per_mp": "per MP", "cold": "cold start"}
    return [Column(f"{operation}_{key}_ms", title, group) for key, title in parts.items()]


def _memory_column(kind: str) -> Column:
    """ "encode_rss_growth" -> rss growth under Encoding [MB]; "weights" by itself."""
    head, _, tail = kind.partition("_")
    group = {"encode": "Encoding [MB]", "decode": "Decoding [MB]"}.get(head, "")
    return Column(f"{kind}_mb", tail.replace("_", " ") if group else f"{kind.replace('_', ' ')} [MB]", group)


def _latency_cells(group: pd.DataFrame) -> dict[str, Cell]:
    random = group.weights.iloc[0] == "random"
    note = ("Random weights: the entropy coder's share of these times is not representative.",) if random else ()
    cells = _where(group.iloc[0])
    for row in group.to_dict("records"):
        for key, column in TIMES.items():
            shown = None if pd.isna(row[column]) else 1e3 * float(row[column])
            cells[f"{row['operation']}_{key}_ms"] = number(shown, 1, notes=note if key == "median" else ())
    last = group.iloc[-1]
    return cells | {"n_images": number(last.n_images, 0), "n_samples": number(last.n_samples, 0)}


def _complexity_cells(row: Any) -> dict[str, Cell]:
    macs = None if pd.isna(row.macs) else float(row.macs)
    per_pixel = macs / row.width / row.height / 1e3 if macs is not None else None
    note: tuple[str, ...] = () if pd.isna(row.error) else (f"{row.counter}: {row.error}",)
    note += (notes_of(row.codec),) if row.counter == "thop" and notes_of(row.codec) else ()
    cells = {"method": text(row.label), "quality": number(row.quality, 0), "size": text(f"{row.width} x {row.height}")}
    cells |= {key: text(getattr(row, key)) for key in ("run", "counter", "path")} | {
        "uncounted": text(row.uncounted or "-")
    }
    cells |= {"gmac": number(macs / 1e9 if macs is not None else None, 2, notes=note)}
    why = (row.explanation,) if row.explanation else ()
    cells |= {"against_exact_pct": number(100 * row.against_exact, 1, notes=why)}
    cells |= {"kmac_per_pixel": number(per_pixel, 1), "parameters_m": number(row.parameters / 1e6 or None, 2)}
    printed = published.printed_complexity(published_twin(row.codec))
    if printed and row.counter == "thop" and (row.width, row.height) == published.PRINTED_AT:
        cells |= {key: number(value, 2) for key, value in zip(("paper_gmac", "paper_params_m"), printed, strict=True)}
    return cells
