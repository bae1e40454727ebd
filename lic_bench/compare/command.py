"""`lic-bench compare`: from its options to what it shows and writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lic_bench.compare import accepted
from lic_bench.compare.comparison import Comparison, compare
from lic_bench.compare.confirm import commands, second_look
from lic_bench.compare.gate_file import read_gates
from lic_bench.compare.open_run import opened
from lic_bench.compare.output import github, json, junit, markdown, terminal
from lic_bench.compare.unmatched_accepted import unmatched
from lic_bench.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `lic-bench compare` as they were given."""

    base: str
    new: str
    gate: Path | None = None
    allow: Sequence[str] = ()
    accepted: Path | None = None
    confirm: bool = False
    base_run: str | None = None
    new_run: str | None = None
    markdown: Path | None = None
    json: Path | None = None
    junit: Path | None = None
    github: bool = False
    everything: bool = False


def run(options: Options, say: Callable[[str], None]) -> Comparison:
    """Compare and write the files. Raises UserError for bad input and NotComparable for runs that are not."""
    if (options.base_run or options.new_run) and not options.confirm:
        raise UserError("--base-run and --new-run say how --confirm measures again; add --confirm.")
    chosen, entries = read_gates(options.gate), accepted.read_named(options.accepted)
    outputs = ((options.markdown, markdown.text), (options.json, json.text), (options.junit, junit.text))
    files = [(path, write) for path, write in outputs if path is not None]
    for path, _ in files:
        _check_target(path)
    with ExitStack() as stack:
        base, new = (stack.enter_context(opened(source)) for source in (options.base, options.new))
        found = compare(base, new, chosen, options.allow, entries)
        if options.confirm:
            how = commands(base, new, options.base_run, options.new_run)
            found = second_look(found, base, new, chosen, how, say, options.allow)
        lost = unmatched(entries, base, new, options.accepted or accepted.DEFAULT)
    found = replace(found, notes=[*found.notes, *lost])
    for path, write in files:
        _write(path, write(found))
    return found


def show(found: Comparison, options: Options, console: Console) -> None:
    """What the options ask for in the terminal."""
    terminal.show(found, console, everything=options.everything)
    for line in github.lines(found) if options.github else ():
        console.print(Text(line), soft_wrap=True)


def _check_target(path: Path) -> None:
    """That a file can be written, before anything is measured."""
    there = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}.") from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}.") from None
