"""Images and megapixels per second, in batches."""

from typing import Any

from lic_bench.report.frames.codec_costs import OPERATIONS
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import dataset_label, plural, sort_datasets
from lic_bench.report.tables.codec_columns import DATASET, METHOD, QUALITY, SOURCE, codec_cells, table_rows
from lic_bench.report.tables.table import Cell, Table, number_cell, number_columns, text_cell, text_columns

RANDOM = "Random weights: the entropy coder's share of the time is not representative."


def throughput_table(data: ReportData) -> Table:
    """Images and megapixels per second per codec, quality, data set and batch, and whether bytes depend on it."""
    columns = [
        *(METHOD, SOURCE, DATASET, QUALITY),
        *number_columns(size="Size", batch="Batch"),
        *(column for operation in OPERATIONS for column in number_columns(_group(operation), **_rates(operation))),
        *text_columns(bytes="Bytes"),
        *number_columns(images="Images", n_samples="Samples"),
    ]
    caption = (
        "Images of one size, as many of them in each call as Batch says, with the entropy coder and each image's "
        "strings apart; by the median of the samples, in each of which all Images are coded. Bytes: whether every "
        "image gets the bytes that it gets alone, in its batch and in the batch the other way round."
    )
    return Table("throughput", "Throughput", caption, columns, table_rows(data.throughput, _cells))


def best_throughput(data: ReportData, curve: str) -> dict[str, Cell]:
    """A codec's images per second, encode and decode, each at its best batch in the mean over qualities; {} if none."""
    rows = data.throughput[(data.throughput.curve == curve) & data.throughput.error.isna()]
    rows = rows[rows.dataset == sort_datasets(set(rows.dataset))[0]] if len(rows) else rows
    cells = {}
    for name in OPERATIONS if len(rows) else ():
        rates = rows.groupby("batch")[f"{name}_per_s"].mean()
        where = f"on {dataset_label(rows.dataset.iloc[0])}, {rows.width.iloc[0]} x {rows.height.iloc[0]}"
        note = f"Images per second at the best batch, here {rates.idxmax()}, {where}."
        cells[f"{name}_images_per_s"] = number_cell(rates.max(), 2, notes=(note,))
    return cells


def _group(operation: str) -> str:
    return {"encode": "Encoding [per second]", "decode": "Decoding [per second]"}[operation]


def _rates(operation: str) -> dict[str, str]:
    return {f"{operation}_images_per_s": "images", f"{operation}_mp_per_s": "MP"}


def _cells(row: Any) -> dict[str, Cell]:
    notes = (RANDOM,) if row.weights == "random" else ()
    megapixels = row.width * row.height / 1e6
    cells = codec_cells(row) | {"size": text_cell(f"{row.width} x {row.height}"), "batch": number_cell(row.batch, 0)}
    for operation in OPERATIONS:
        per_s = getattr(row, f"{operation}_per_s")
        cells[f"{operation}_images_per_s"] = number_cell(per_s, 2, notes=notes)
        cells[f"{operation}_mp_per_s"] = number_cell(per_s * megapixels, 2)
    repeated = (f"{plural(row.pictures, 'picture')} of this size, taken in turn.",) if row.pictures < row.images else ()
    return cells | {
        "bytes": _bytes_cell(row),
        "images": number_cell(row.images, 0, notes=repeated),
        "n_samples": number_cell(row.n_samples, 0),
    }


def _bytes_cell(row: Any) -> Cell:
    if isinstance(row.error, str):
        return text_cell("failed", row.error)
    if row.changed:
        return text_cell("depend on the batch", f"Other bytes than alone: {', '.join(row.changed)}.")
    return text_cell("as alone")
