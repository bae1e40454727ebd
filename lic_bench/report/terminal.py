"""A Table for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from lic_bench.report.table import Column, Row, Table


def to_rich(table: Table, width: int | None = None) -> Group:
    """The table for a terminal of `width` columns: published rows dim, optional columns if they fit."""
    columns = _fitting(table, width)
    groups = dict.fromkeys(c.group for c in columns if c.group)
    title = ". ".join([table.title, *(", ".join(c.title for c in columns if c.group == g) + f": {g}" for g in groups)])
    grid = Grid(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for column in columns:
        left = column.align == "left"
        grid.add_column(column.title.replace("(", "\n("), justify=column.align, overflow="fold", no_wrap=not left)
    for row in table.rows:
        cells = [_rich_cell(table, row, c, _mark_width(table, c)) for c in columns]
        grid.add_row(*cells, style="dim" if row.provenance == "published" else "")
    missing = ", ".join(c.title for c in table.columns if c not in columns)
    hint = f" Not shown at this width: {missing}." if missing else ""
    seen = {note for row in table.rows for c in columns for note in table.cell(row, c).notes}
    notes = [Padding(Text(f"{m} {note}", "dim"), (0, 0, 0, 1)) for note, m in table.marks.items() if note in seen]
    return Group(grid, Padding(Text(table.caption + hint, "dim"), (0, 0, 1, 1)), *notes)


def _fitting(table: Table, width: int | None) -> list[Column]:
    """The columns that fit side by side, the last optional ones left out first."""
    columns = list(table.columns)
    while width and sum(_text_width(table, c) + 1 for c in columns) + 1 > width and any(c.optional for c in columns):
        columns.remove([c for c in columns if c.optional][-1])
    return columns


def _text_width(table: Table, column: Column) -> int:
    widths = [len(part) for part in column.title.replace("(", "\n(").split("\n")]
    widths += [len(table.cell(row, column).text) for row in table.rows]
    marks = _mark_width(table, column)
    return max(widths) + (marks + 1 if marks else 0)


def _mark_width(table: Table, column: Column) -> int:
    return max((len(table.mark(table.cell(row, column))) for row in table.rows), default=0)


def _rich_cell(table: Table, row: Row, column: Column, width: int) -> str:
    cell = table.cell(row, column)
    shown = f"[bold]{escape(cell.text)}[/bold]" if cell.best else escape(cell.text)
    mark = f"[cyan]{table.mark(cell)}[/cyan]" + " " * (width - len(table.mark(cell))) if width else ""
    return shown + (f" {mark}" if width else "")
