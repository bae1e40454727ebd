"""A Table as Markdown, CSV, LaTeX (booktabs) and HTML."""

import re
from collections.abc import Sequence
from html import escape
from itertools import groupby

from lic_bench.report.tables.table import Cell, Column, Row, Table

_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
SHORT = 30  # characters; such a text stays on one line of a page
WIDE = 10  # columns; tables of more are set tighter on a page
_LATEX |= {char: "\\" + char for char in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}"}


def to_csv(table: Table) -> str:
    """The bare values, one row each; the last column spells the footnotes out as "column: note"."""
    notes = [
        " | ".join(f"{c.key}: {note}" for c in table.columns for note in table.cell(row, c).notes) for row in table.rows
    ]
    return str(table.frame().assign(notes=notes).to_csv(index=False, lineterminator="\n"))


def to_markdown(table: Table) -> str:
    """A GitHub table with its title, caption and footnotes."""
    titles = [f"{c.group} {c.title}".strip().replace("|", r"\|") for c in table.columns]
    rules = ["---:" if c.align == "right" else "---" for c in table.columns]
    rows = [[_markdown_cell(table, table.cell(row, c)) for c in table.columns] for row in table.rows]
    table_lines = [f"| {' | '.join(cells)} |" for cells in (titles, rules, *rows)]
    notes = [f"<sup>{mark}</sup> {_markdown(note)}  " for note, mark in table.marks.items()]
    parts = [f"### {table.title}", _markdown(table.caption), "\n".join(table_lines), "\n".join(notes)]
    return "\n\n".join(filter(None, parts)) + "\n"


def to_latex(table: Table) -> str:
    """A table environment for booktabs."""
    spec = "".join("r" if c.align == "right" else "l" for c in table.columns)
    body = [_latex_row(table, row) for row in table.rows]
    notes = [rf"\textsuperscript{{{mark}}} {_latex(note)}\\" for note, mark in table.marks.items()]
    below = [r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize", *notes, r"\end{minipage}"]
    lines = [
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{_latex(table.title)}. {_latex(table.caption)}}}",
        rf"\label{{tab:{table.name}}}",
        rf"\begin{{tabular}}{{{spec}}}",
        r"\toprule",
        *_latex_head(table),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *(below if notes else []),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def to_html(table: Table) -> str:
    """A <figure class="table"> with head, rows classed by provenance, and footnotes; no style of its own.

    A table without rows is its caption alone.
    """
    head = "".join(f'<th class="{c.align}" scope="col">{escape(c.title)}</th>' for c in table.shown_columns)
    rows = "\n".join(_html_row(table, row) for row in table.rows)
    notes = "".join(f"<li><sup>{mark}</sup> {escape(note)}</li>" for note, mark in table.marks.items())
    wide = ' class="wide"' if len(table.shown_columns) > WIDE else ""
    footnotes = f'<ul class="notes">{notes}</ul>' if notes else ""
    title = escape(table.title)
    caption = f"<figcaption><b>{title}.</b> {escape(table.caption)}</figcaption>"
    if not table.rows:
        return f'<figure class="table" id="{table.name}">{caption}</figure>\n'
    scroll = f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
    return (
        f'<figure class="table" id="{table.name}">{caption}\n{scroll}<table{wide}>'
        f"<thead>{_html_groups(table)}<tr>{head}</tr></thead>\n"
        f"<tbody>{rows}</tbody></table></div>{footnotes}</figure>\n"
    )


def _groups(columns: Sequence[Column]) -> list[tuple[str, int]]:
    """The group headings with the number of columns under each, from left to right."""
    return [(name, len(list(group))) for name, group in groupby(columns, key=lambda c: c.group)]


def _markdown(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;").replace("*", r"\*")


def _markdown_cell(table: Table, cell: Cell) -> str:
    shown = f"**{_markdown(cell.text)}**" if cell.best else _markdown(cell.text)
    return shown + (f"<sup>{table.mark(cell)}</sup>" if cell.notes else "")


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in text)


def _latex_head(table: Table) -> list[str]:
    titles = " & ".join(_latex(c.title) for c in table.columns) + r" \\"
    groups = _groups(table.columns)
    if not any(name for name, _ in groups):
        return [titles]
    heads = [rf"\multicolumn{{{n}}}{{c}}{{{_latex(name)}}}" if name else "&" * (n - 1) for name, n in groups]
    rules, at = [], 1
    for name, n in groups:
        rules += [rf"\cmidrule(lr){{{at}-{at + n - 1}}}"] if name else []
        at += n
    return [" & ".join(heads) + r" \\", "".join(rules), titles]


def _latex_row(table: Table, row: Row) -> str:
    cells = []
    for column in table.columns:
        cell = table.cell(row, column)
        shown = _latex(cell.text)
        if cell.value is not None and column.align == "right" and cell.text.startswith("-"):
            shown = f"${cell.text}$"  # a minus sign, not a hyphen
        shown = rf"\textbf{{{shown}}}" if cell.best else shown
        cells.append(shown + (rf"\textsuperscript{{{table.mark(cell)}}}" if cell.notes else ""))
    return " & ".join(cells) + r" \\"


def _html_groups(table: Table) -> str:
    groups = _groups(table.shown_columns)
    if not any(name for name, _ in groups):
        return ""
    cells = (
        f'<th colspan="{n}" class="group" scope="colgroup">{escape(name)}</th>' if name else f'<td colspan="{n}"></td>'
        for name, n in groups
    )
    return f'<tr class="groups">{"".join(cells)}</tr>'


def _folded(text: str, what: str) -> str:
    """A list of several entries as their number, itself at a click."""
    count = len(text.split(", "))
    return escape(text) if count == 1 else f"<details><summary>{count} {what}</summary>{escape(text)}</details>"


def _sort_value(cell: Cell) -> str:
    """The number that a page's script sorts by, where the text is another."""
    is_number = isinstance(cell.value, int | float) and not isinstance(cell.value, bool)
    return f' data-value="{cell.value:.6g}"' if is_number and not _NUMBER.fullmatch(cell.text) else ""


def _html_row(table: Table, row: Row) -> str:
    cells = []
    for column in table.shown_columns:
        cell = table.cell(row, column)
        shown = _folded(cell.text, column.folded) if column.folded else escape(cell.text)
        if column.align == "right":
            shown = re.sub(r"-(?=\d)", "\N{MINUS SIGN}", shown)
        shown = f"<b>{shown}</b>" if cell.best else shown
        title = escape(" ".join(cell.notes), quote=True)
        mark = f'<sup title="{title}">{table.mark(cell)}</sup>' if cell.notes else ""
        short = " short" if column.align == "left" and len(cell.text) <= SHORT else ""
        cells.append(f'<td class="{column.align}{short}"{_sort_value(cell)}>{shown}{mark}</td>')
    return f'<tr class="{row.provenance}">{"".join(cells)}</tr>'
