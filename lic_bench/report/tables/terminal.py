"""A Table for the terminal."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from lic_bench.report.tables.table import Column, Row, Table


def to_rich(table: Table, width: int | None = None) -> Group:
    """The table for a terminal of `width` columns: rows of what others measured dim, optional columns if they fit.

    If it is too narrow even so, columns of words are folded between these.
    """
    columns = _fitting(table, width)
    groups = dict.fromkeys(c.group for c in columns if c.group)
    title = ". ".join([table.title, *(", ".join(c.title for c in columns if c.group == g) + f": {g}" for g in groups)])
    looks: Any = {"title_style": "bold", "box": box.SIMPLE_HEAD, "pad_edge": False, "padding": 0}
    grid = Grid(title=Text(title), title_justify="left", **looks)
    for column, wide in zip(columns, _widths(table, columns, width), strict=True):
        has_words, header = column.align == "left", Text("\n".join(_heading(column)))
        grid.add_column(header, justify=column.align, overflow="fold", no_wrap=not has_words, width=wide)
    for row in table.rows:
        cells = [_rich_cell(table, row, c, _mark_width(table, c)) for c in columns]
        grid.add_row(*cells, style="" if row.provenance == "measured" else "dim")
    missing = ", ".join(c.title for c in table.shown_columns if c not in columns)
    hint = f" Not shown at this width: {missing}." if missing else ""
    seen = {note for row in table.rows for c in columns for note in table.cell(row, c).notes}
    notes = [Padding(Text(f"{m} {note}", "dim"), (0, 0, 0, 1)) for note, m in table.marks.items() if note in seen]
    return Group(grid, Padding(Text(table.caption + hint, "dim"), (0, 0, 1, 1)), *notes)


def _fitting(table: Table, width: int | None) -> list[Column]:
    """The columns that fit side by side; optional ones are dropped from the right, first those equal in all rows."""
    columns = list(table.shown_columns)
    while width and _total(_text_width(table, c) for c in columns) > width and any(c.optional for c in columns):
        optional = [c for c in columns if c.optional]
        alike = [c for c in optional if len({table.cell(row, c).text for row in table.rows}) == 1 < len(table.rows)]
        columns.remove((alike or optional)[-1])
    return columns


def _widths(table: Table, columns: Sequence[Column], width: int | None) -> list[int | None]:
    """The width of each column, None if rich may choose it; columns of words shrink down to their longest word."""
    if not width:
        return [None] * len(columns)
    widths = {c.key: _text_width(table, c) for c in columns}
    least = {c.key: _word_width(table, c) for c in columns if c.align == "left"}
    while _total(widths.values()) > width and any(widths[key] > least[key] for key in least):
        widths[max((key for key in least if widths[key] > least[key]), key=lambda key: widths[key])] -= 1
    return [widths[c.key] for c in columns]


def _total(widths: Iterable[int]) -> int:
    """The width of the table with the space between columns and at the edges."""
    return sum(width + 1 for width in widths) + 1


def _heading(column: Column) -> list[str]:
    """The lines of the column's title; a unit or remark in brackets has its own."""
    return column.title.replace("(", "\n(").replace("[", "\n[").split("\n")


def _text_width(table: Table, column: Column) -> int:
    cells, marks = max((len(table.cell(row, column).text) for row in table.rows), default=0), _mark_width(table, column)
    return max(cells + marks + bool(marks), *(len(line) for line in _heading(column)))


def _word_width(table: Table, column: Column) -> int:
    texts = [column.title, *(table.cell(row, column).text for row in table.rows)]
    return max(_mark_width(table, column), *(len(word) for text in texts for word in text.split()))


def _mark_width(table: Table, column: Column) -> int:
    return max((len(table.mark(table.cell(row, column))) for row in table.rows), default=0)


def _rich_cell(table: Table, row: Row, column: Column, width: int) -> str:
    cell = table.cell(row, column)
    shown = f"[bold]{escape(cell.text)}[/bold]" if cell.best else escape(cell.text)
    mark = f"[cyan]{table.mark(cell)}[/cyan]" + " " * (width - len(table.mark(cell))) if width else ""
    return shown + (f" {mark}" if width else "")
