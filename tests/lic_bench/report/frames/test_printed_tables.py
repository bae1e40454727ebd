"""The printed numbers of the paper, and the codecs of ours that they are held against."""

from collections import Counter

import pytest

from lic_bench.codecs.registry import find_codec
from lic_bench.rate_distortion import published
from lic_bench.report.frames.printed_tables import printed_values


def test_every_number_of_every_table_is_there() -> None:
    assert Counter(value.table for value in printed_values()) == {1: 9 * 8, 2: 5 * 3, 3: 3 * 3, 4: 6 * 3, 5: 6}


@pytest.mark.parametrize(
    ("table", "row", "texts"),
    [
        (1, "FAT", ["0.140", ">10.000", "1.076", "245.46", "69.78", "-14.56%", "-10.79%", "-14.40%"]),
        (1, "VTM-9.1", ["171.633", "0.177", "-", "-", "-", "0.00%", "0.00%", "0.00%"]),
        (2, "2,4,6,6 Conv Plus", ["304.23", "62.08", "-2.74%"]),
        (3, "AFT+Shift", ["4.9085", "63.23", "0.5604"]),
        (4, "MLIC++", ["-52.99%", "-47.43%", "-53.14%"]),
        (5, "Selective Scan 2D", ["576LD"]),
    ],
)
def test_rows_are_as_printed(table: int, row: str, texts: list[str]) -> None:
    assert [value.text for value in printed_values(table) if value.row == row] == texts


def test_codecs_and_curves_exist() -> None:
    slugs = {entry.slug for entry in published.list_published()}
    for value in printed_values():
        assert value.codec is None or find_codec(value.codec), value
        assert value.curve is None or value.curve in slugs, value
    codecs = {value.row: value.codec for value in printed_values(2)} | {v.row: v.codec for v in printed_values(3)}
    assert codecs["2,4,6,2 Conv"] == "lalic-2-4-6-2-conv"
    assert codecs["AFT+Shift"] == "lalic-aft-shift"
    assert codecs["2,4,6,6 RWKV"] == codecs["BiWKV+Shift"] == "lalic"
