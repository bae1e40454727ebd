"""Variants of codecs against their bases: speed-up, change of bytes, PSNR and memory, difference of the picture."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from lic_bench.report.tables.codec_columns import DATASET, METHOD, SOURCE, codec_cells, table_rows
from lic_bench.report.tables.table import (
    Cell,
    Column,
    Table,
    number_cell,
    number_columns,
    signed_cell,
    text_cell,
)
from lic_bench.report.tables.throughput_table import RANDOM


def variants_table(frame: pd.DataFrame) -> Table:
    """One row per run, variant, device and data set. frame: as of frames.variant_gains, of any runs."""
    columns = [
        *(METHOD, replace(SOURCE, optional=True), replace(DATASET, optional=True)),
        *(Column("qualities", "Qualities"), Column("n_images", "Images", optional=True)),
        *number_columns("Speed-up", encode_speed_up="encode", decode_speed_up="decode"),
        *number_columns("Change", bytes_pct="bytes [%]", psnr_db="PSNR [dB]", memory_pct="memory [%]"),
        *number_columns("Decoded image", largest_difference="differs by [levels]"),
        Column("state", "in sync", "Decoded image", "left"),
    ]
    caption = (
        "Each against its base, the same codec and weights without what stands after its name, in the same run, over "
        "the qualities and images that both have. Speed-up: the base's time over the variant's, above 1 is faster; the "
        "median. Bytes (of the payload), PSNR and peak memory (with the weights): means; equal where every bitstream "
        "is the same. Differs by: the most that a value of a decoded image is from the base's, of 255 levels. In sync: "
        "as verified for every codec; a quality at which an image lost it is in no other column, and in no curve."
    )
    return Table("variants", "Variants against their bases", caption, columns, table_rows(frame, _cells))


def _cells(row: Any) -> dict[str, Cell]:
    command = f"--codecs {row.base},{row.codec}"
    missing = () if row.base_measured else (f"The run lacks the base, {row.base_label}; measure both: {command}.",)
    random = (RANDOM,) if row.weights == "random" and not missing else ()
    of_bytes = signed_cell(100 * row.bytes_change, 2, notes=missing)
    return codec_cells(row) | {
        "qualities": text_cell(_range(row.qualities)),
        "n_images": number_cell(row.n_images, 0),
        "encode_speed_up": number_cell(row.encode_speed_up, 2, notes=missing or random),
        "decode_speed_up": number_cell(row.decode_speed_up, 2, notes=missing or random),
        "bytes_pct": Cell("equal", 0.0) if row.bytes_equal else of_bytes,
        "psnr_db": signed_cell(row.psnr_change_db, 3, notes=missing),
        "memory_pct": signed_cell(100 * row.memory_change, 1, notes=missing),
        "largest_difference": number_cell(row.largest_difference, 0),
        "state": _state(row),
    }


def _state(row: Any) -> Cell:
    if row.n_out_of_sync:
        return text_cell(f"no, {row.n_out_of_sync} of {row.n_records}", row.error)
    return text_cell(f"failed, {row.n_failed} of {row.n_records}", row.error) if row.n_failed else text_cell("yes")


def _range(qualities: Sequence[int]) -> str:
    """ "3", "1..6", "1, 3"."""
    first, last = (qualities[0], qualities[-1]) if qualities else (0, 0)
    if len(qualities) > 2 and last - first + 1 == len(qualities):
        return f"{first}..{last}"
    return ", ".join(map(str, qualities)) or "-"
