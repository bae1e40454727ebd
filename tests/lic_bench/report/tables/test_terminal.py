"""Tables in the terminal: nothing is taken for markup, columns of words survive, optional ones go in order."""

import io

import pytest
from rich.console import Console

from lic_bench.report.tables.table import Column, Row, Table, text_cell
from lic_bench.report.tables.terminal import to_rich

WORDS = Column("words", "Words", align="left")


def table(columns: list[Column], *rows: list[str], title: str = "Title") -> Table:
    cells = [{c.key: text_cell(shown) for c, shown in zip(columns, row, strict=True)} for row in rows]
    return Table("name", title, "Caption.", columns, [Row("measured", found) for found in cells])


def shown(made: Table, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(to_rich(made, width))
    return console.export_text()


def test_brackets_are_no_markup() -> None:
    columns = [Column("a", "encode [ms]", "Time [s]"), Column("b", "[bold]", align="left")]
    said = shown(table(columns, ["[red]", "[/b]"], title="Cost [mb]"), 100)
    assert "Cost [mb]. encode [ms]: Time [s]" in " ".join(said.split())
    assert said.count("[ms]") == 2
    for word in ("[bold]", "[red]", "[/b]"):
        assert word in said


@pytest.mark.parametrize("width", [40, 30, 24])
def test_words_are_folded_and_numbers_are_not(width: int) -> None:
    columns = [WORDS, Column("x", "X"), Column("y", "Y")]
    said = shown(table(columns, ["several short words", "12345.67", "89.01"]), width)
    lines = said.splitlines()
    assert all(word in said for word in ("Words", "several", "short", "words", "12345.67", "89.01"))
    assert all(len(line) <= width for line in lines)
    assert any("several short words" in line for line in lines) == (width > 36)


def test_what_is_alike_in_all_rows_is_left_out_first_and_then_the_last() -> None:
    optional = [Column(name, name, optional=True) for name in ("same", "first", "last")]
    made = table([WORDS, *optional], ["one", "1111111111", "2222222222", "3333333333"], ["two", "1111111111", "4", "5"])
    for width, left_out in ((60, None), (35, "same"), (24, "same, last"), (10, "same, first, last")):
        said = " ".join(shown(made, width).split())
        assert (f"Not shown at this width: {left_out}." in said) == (left_out is not None)
        assert "Words" in said
