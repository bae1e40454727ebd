"""A comparison in the terminal: a table in the width of the terminal, and sentences on what follows from it."""

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output import wording
from lic_bench.compare.verdicts import Verdict

STYLES = {"WORSE": "bold red", "ACCEPTED": "cyan", "BETTER": "green", "AMBIGUOUS": "yellow", "SAME": "dim"}
WORDS_AT_LEAST = 32  # columns for the last one, or the table is set in fewer, higher rows
METRIC_AT_MOST = 26  # columns up to which the name of a metric is never folded
WHAT, WHY = "what", "why"
WIDE: Sequence[str] = ("verdict", "codec", "q", "on", "metric", "BASE", "NEW", "change", "95 % interval", "p", WHY)
NARROW: Sequence[str] = ("verdict", WHAT, "BASE\nNEW", "change\n95 % interval", WHY)
RIGHT = {"q", "BASE", "NEW", "BASE\nNEW", "change", "95 % interval", "change\n95 % interval", "p"}


def show_comparison(comparison: Comparison, console: Console, *, everything: bool = False) -> None:
    """Print the comparison. Same numbers are counted by codec; with `everything` each has its row."""
    for label, name in (("BASE", comparison.base), ("NEW ", comparison.new)):
        _say(console, f"{label} {wording.plain(name)}", "bold")
    for line in wording.circumstances(comparison):
        _say(console, line, "yellow" if line.startswith("--allow") else "dim")
    verdicts = [v for v in wording.ordered(comparison.verdicts) if everything or wording.stands_out(v)]
    if verdicts:
        console.print(_table(verdicts, console.width))
        _say(console, wording.caption(verdicts), "dim")
    same = [] if everything else wording.same_of(comparison.verdicts)
    _say(console, "\n".join(["", *same, ""] if same else []))
    _say(console, wording.outcome(comparison), "bold red" if comparison.regressions else "bold green")
    for line in wording.advice(comparison):
        _say(console, line)


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style, overflow="fold"))


def _table(verdicts: Sequence[Verdict], width: int) -> Table:
    """A line per verdict if that leaves room for the words, else a few lines each."""
    names, rows = WIDE, [wording.cells_of(verdict) for verdict in verdicts]
    if width - sum(_widths(names, rows)[:-1]) < _words_at_least(rows):
        names, rows = NARROW, [_narrow(verdict) for verdict in verdicts]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        look: Any = {"justify": "right" if name in RIGHT else "left", "no_wrap": name in RIGHT or name == "verdict"}
        table.add_column(Text(name), overflow="fold", width=_room(names, rows, width) if name == WHAT else None, **look)
    for cells in rows:
        style = STYLES.get(cells[0], "")
        table.add_row(Text(cells[0], style), *map(Text, cells[1:]), style="dim" if cells[0] == "SAME" else "")
    return table


def _widths(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """The width of each column with the space after it."""
    columns = zip(names, *rows, strict=True)
    return [max(cell_len(line) for cell in column for line in cell.split("\n")) + 2 for column in columns]


def _words_at_least(rows: Sequence[Sequence[str]]) -> int:
    return min(WORDS_AT_LEAST, max(cell_len(words) for *_, words in rows))


def _room(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int:
    """Columns for the names of what was judged: as they need, but if the words get narrow only what metrics need."""
    widths = dict(zip(names, _widths(names, rows), strict=True))
    remaining = width - sum(widths[name] for name in names if name not in (WHAT, WHY)) - _words_at_least(rows)
    metric = max(cell_len(cells[names.index(WHAT)].split("\n")[1]) for cells in rows)
    return min(widths[WHAT] - 2, max(min(metric, METRIC_AT_MOST), remaining))


def _narrow(verdict: Verdict) -> Sequence[str]:
    name, codec, quality, on, metric, base, new, change, interval, p, words = wording.cells_of(verdict)
    changes = "\n".join(filter(None, [change, interval, f"p {p}" if p else ""]))
    return name, f"{codec} q{quality} {on}\n{metric}", f"{base}\n{new}", changes, words
