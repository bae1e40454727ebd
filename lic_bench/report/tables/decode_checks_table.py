"""Bitstreams decoded on other machines, devices and numbers of threads than they were made on."""

from dataclasses import replace
from typing import Any

import pandas as pd

from lic_bench.report.frames.decode_checks import OUTCOMES
from lic_bench.report.tables.codec_columns import METHOD, SOURCE, table_rows
from lic_bench.report.tables.table import Cell, Column, Table, number_cell, number_columns, text_cell


def decode_checks_table(frame: pd.DataFrame) -> Table:
    """One row per run, codec and decoder. frame: as of frames.decode_checks, of any runs."""
    columns = [
        *(METHOD, replace(SOURCE, optional=True)),
        *(Column("encoder", "Encoder's machine", align="left"), Column("decoder", "Decoder's machine", align="left")),
        Column("n_bitstreams", "Bitstreams"),
        *number_columns("Decoded", exact="bit-exact", near="within 1", other="other", failed="not"),
        Column("largest", "Differs by [levels]"),
        Column("first_pass", "First other pass"),
    ]
    caption = (
        "Saved bitstreams, decoded again by `lic-bench decode-check`, against the picture that the machine of the run "
        "decoded. Within 1: no value differs by more than one of 255 levels, as other orders of sums make of the same "
        "symbols. First other pass: the earliest coding pass in which a decoder read other symbols than were written, "
        "of how many (z is the last): from there on it is out of sync."
    )
    return Table("decode_checks", "Decoding elsewhere", caption, columns, table_rows(frame, _cells))


def _cells(row: Any) -> dict[str, Cell]:
    return {
        "method": text_cell(row.label),
        "source": text_cell(row.run),
        "encoder": text_cell(row.encoder),
        "decoder": text_cell(row.decoder),
        "n_bitstreams": number_cell(row.n_bitstreams, 0),
        **{outcome: number_cell(getattr(row, outcome), 0) for outcome in OUTCOMES[:-1]},
        "failed": number_cell(row.failed, 0, notes=(row.error,) if row.error else ()),
        "largest": number_cell(row.largest, 0),
        "first_pass": text_cell("{} of {}".format(*row.first_pass) if row.first_pass else "-"),
    }
