"""A finding of `lic-bench doctor`, and the table of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table

Status = Literal["ok", "missing", "warning"]
STATUS_MARKUP: dict[Status, str] = {"ok": "[green]ok[/]", "missing": "[red]missing[/]", "warning": "[yellow]warning[/]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whether one thing is there. fix: the command or the step that mends it; empty if nothing is to be mended.

    status: "missing" is something that a part of lic-bench cannot work without, "warning" what limits or endangers
    results.
    """

    what: str
    status: Status
    detail: str
    fix: str = ""


def findings_table(findings: Iterable[Finding]) -> Table:
    """One row per finding, for the terminal; below what was found an arrow and what mends it."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in ("what", "", "found, -> what mends it"):
        table.add_column(heading, overflow="fold")  # paths and commands are to be copied: nothing is cut
    for finding in findings:
        fix = f"\n[cyan]-> {escape(finding.fix)}[/]" if finding.fix else ""
        table.add_row(escape(finding.what), STATUS_MARKUP[finding.status], escape(finding.detail) + fix)
    return table
