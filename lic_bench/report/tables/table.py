"""A table apart from any notation: cells with text, value and footnotes; notations.py and terminal.py write it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import ascii_lowercase
from typing import Literal

import pandas as pd

Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell shows (`text`), the bare number behind it (`value`), and footnotes in full.

    ranks: whether it may be marked as the best of its column.
    """

    text: str
    value: Value = None
    notes: tuple[str, ...] = ()
    best: bool = False
    ranks: bool = True

    @property
    def says_something(self) -> bool:
        """Whether it is more than a dash."""
        return self.text not in ("-", "") or bool(self.notes)


@dataclass(frozen=True, slots=True)
class Column:
    """key: its name in CSV files, with the unit. title: its name for people. group: a heading over several columns.

    optional: a narrow terminal may leave it out. folded: what the entries of a list are, "parts", where a page is
    to say only how many they are until one asks for them.
    """

    key: str
    title: str
    group: str = ""
    align: Literal["left", "right"] = "right"
    optional: bool = False
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; provenance is "published", "imported", "elsewhere" or "measured"."""

    provenance: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """name: the stem of its files. caption: what the reader must know, one paragraph.

    shown_columns: those that say something in at least one row; CSV files have all.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    shown_columns: Sequence[Column] = field(init=False)
    marks: Mapping[str, str] = field(init=False)  # footnote -> its letter, by first appearance

    def __post_init__(self) -> None:
        notes = [note for row in self.rows for c in self.columns for note in self.cell(row, c).notes]
        marks = {note: _letter(index) for index, note in enumerate(dict.fromkeys(notes))}
        shown = [c for c in self.columns if not self.rows or any(self.cell(row, c).says_something for row in self.rows)]
        object.__setattr__(self, "shown_columns", shown)
        object.__setattr__(self, "marks", marks)

    def cell(self, row: Row, column: Column) -> Cell:
        """The cell; a dash where the row has none."""
        return row.cells.get(column.key, MISSING)

    def mark(self, cell: Cell) -> str:
        """The letters of the cell's footnotes: "a,b"; "" for none."""
        return ",".join(self.marks[note] for note in cell.notes)

    def frame(self) -> pd.DataFrame:
        """The bare values, one column per key, and `provenance`; NaN or None where there is nothing."""
        values = [{c.key: self.cell(row, c).value for c in self.columns} for row in self.rows]
        frame = pd.DataFrame(values, columns=[c.key for c in self.columns])
        return frame.assign(provenance=[row.provenance for row in self.rows])


MISSING = Cell("-")


def number_cell(value: float | None, digits: int, *, notes: Sequence[str] = (), best: bool = False) -> Cell:
    """A number with so many digits after the point; a dash for None and NaN."""
    if value is None or pd.isna(value):
        return Cell("-", None, tuple(notes))
    text = f"{value:.{digits}f}"
    return Cell(text if float(text) != 0 else f"{0:.{digits}f}", float(value), tuple(notes), best)


def signed_cell(value: float | None, digits: int, *, notes: Sequence[str] = ()) -> Cell:
    """A `number_cell` with a plus before what is above 0."""
    cell = number_cell(value, digits, notes=notes)
    is_more = cell.value is not None and float(cell.text) > 0
    return replace(cell, text=f"+{cell.text}") if is_more else cell


def number_columns(group: str = "", /, **titles: str) -> list[Column]:
    """A column of numbers per key=title, all below the heading `group`."""
    return [Column(key, title, group) for key, title in titles.items()]


def text_columns(**titles: str) -> list[Column]:
    """A column of words per key=title."""
    return [Column(key, title, align="left") for key, title in titles.items()]


def text_cell(value: object, *notes: str) -> Cell:
    """A cell of words."""
    return Cell(str(value), str(value), notes)


def _letter(index: int) -> str:
    """a, b, ... z, aa, ab, ..."""
    head, tail = divmod(index, 26)
    return (_letter(head - 1) if head else "") + ascii_lowercase[tail]
