"""Two codecs at the nearest sizes of each image, and at equal PSNR."""

from typing import Any

import pandas as pd

from lic_bench.report.frames.matched_pairs import TOLERANCE
from lic_bench.report.tables.codec_columns import DATASET, METHOD, SOURCE, codec_cells, table_rows
from lic_bench.report.tables.table import Cell, Table, number_cell, number_columns, signed_cell, text_cell, text_columns


def matched_pairs_table(frame: pd.DataFrame) -> Table:
    """One row per two codecs on a data set. frame: as of frames.matched_pairs."""
    columns = [
        *(METHOD, SOURCE),
        *text_columns(other="Other", other_source="Source"),
        DATASET,
        *number_columns(n_points="Points"),
        *number_columns("At the nearest size", n_matched="matched", size_difference_pct="off by [%]"),
        *number_columns("At the nearest size", psnr_difference_db="PSNR [dB]", n_timed="timed"),
        *number_columns("At the nearest size", encode_ratio="encode", decode_ratio="decode"),
        *number_columns("At equal PSNR", n_equal="points", size_ratio="size"),
    ]
    caption = (
        "The other codec against the method, image by image. Points: images times qualities of the method. Each is "
        f"paired with the quality at which the other's payload is nearest in size; matched: within {TOLERANCE:.0%}, "
        "off by the mean of the absolute differences. PSNR: the mean of the other's less the method's. Encode, decode, "
        "size: geometric means of the other's over the method's, below 1 is faster or smaller; times where one run "
        "took both. At equal PSNR: on the other's curve of the same image, at the method's points that it reaches."
    )
    return Table("matched_pairs", "Matched pairs", caption, columns, table_rows(frame, _cells))


def _cells(row: Any) -> dict[str, Cell]:
    return codec_cells(row) | {
        "other": text_cell(row.other_label),
        "other_source": text_cell(f"{row.other_run} ({row.other_device})"),
        **{name: number_cell(getattr(row, name), 0) for name in ("n_points", "n_matched", "n_timed", "n_equal")},
        "size_difference_pct": number_cell(100 * row.size_difference, 1),
        "psnr_difference_db": signed_cell(row.psnr_difference_db, 2),
        **{name: number_cell(getattr(row, name), 2) for name in ("encode_ratio", "decode_ratio")},
        "size_ratio": number_cell(row.size_ratio, 3),
    }
