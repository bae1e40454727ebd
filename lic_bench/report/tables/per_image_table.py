"""Sizes and quality per image: always a CSV file, on the page where that stays short."""

from typing import Any

import pandas as pd

from lic_bench.report.tables.codec_columns import DATASET, METHOD, QUALITY, SOURCE, codec_cells, table_rows
from lic_bench.report.tables.table import Cell, Table, number_cell, number_columns, text_cell, text_columns

NAME = "per_image"
MOST_ROWS = 300  # on the page, some 400 bytes each; 165 images by 8 codecs at 6 qualities are 7920


def per_image_table(frame: pd.DataFrame) -> Table:
    """A row per image, codec and quality of a `per_image_frame`; none of more than MOST_ROWS, but where they are."""
    columns = [
        *(METHOD, SOURCE, DATASET, QUALITY, *text_columns(image="Image")),
        *number_columns(pixels="Size", payload_bytes="Payload [bytes]", header_bytes="Header [bytes]", bpp="bpp"),
        *number_columns(psnr_db="PSNR [dB]", ms_ssim_db="MS-SSIM [dB]", ms_ssim="MS-SSIM"),
    ]
    caption = (
        "bpp counts the payload. The same as numbers, with codec and device, is in per_image.csv beside this page."
    )
    if len(frame) > MOST_ROWS:
        caption = (
            f"{len(frame):,} rows, of bytes, bpp, PSNR and MS-SSIM of each image by each codec at each quality, are in "
            f"per_image.csv beside this page, which shows at most {MOST_ROWS}."
        )
        frame = frame.iloc[:0]
    return Table(NAME, "Sizes and quality per image", caption, columns, table_rows(frame, _cells))


def per_image_csv(frame: pd.DataFrame) -> str:
    """All rows of a `per_image_frame`, its columns as they are."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _cells(row: Any) -> dict[str, Cell]:
    numbers = {"bpp": 4, "psnr_db": 3, "ms_ssim_db": 3, "ms_ssim": 5, "payload_bytes": 0, "header_bytes": 0}
    cells = codec_cells(row) | {"image": text_cell(row.image), "pixels": text_cell(f"{row.width} x {row.height}")}
    return cells | {name: number_cell(getattr(row, name), digits) for name, digits in numbers.items()}
