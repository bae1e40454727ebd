"""A plain table for the terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table. The first column, of names, is never cut; the others wrap if the terminal is narrow."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    longest = max((len(line) for row in rows for line in row[0].split("\n")), default=0)
    table.add_column(columns[0], no_wrap=True, min_width=longest)
    for name in columns[1:]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # names are no markup
    return table
