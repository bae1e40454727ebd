"""`lic-bench compare`: its options, and the calls that compare, show and write what they ask for."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lic_bench.compare import accepted
from lic_bench.compare.comparison import Comparison, compare
from lic_bench.compare.confirm import run_commands, second_look
from lic_bench.compare.gate_file import read_gates
from lic_bench.compare.open_run import open_run
from lic_bench.compare.output import github, json, junit, markdown, terminal
from lic_bench.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
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


def run(options: CompareOptions, say: Callable[[str], None]) -> Comparison:
    """Compare and write the files. Raises UserError for bad input and NotComparable for runs that are not."""
    if (options.base_run or options.new_run) and not options.confirm:
        raise UserError("--base-run and --new-run say how --confirm measures again; add --confirm.")
    gates, entries = read_gates(options.gate), accepted.read_named_or_default(options.accepted)
    outputs = ((options.markdown, markdown.to_markdown), (options.json, json.to_json), (options.junit, junit.to_xml))
    files = [(path, write) for path, write in outputs if path is not None]
    for path, _ in files:
        _check_target(path)
    with ExitStack() as stack:
        base, new = (stack.enter_context(open_run(source)) for source in (options.base, options.new))
        comparison = compare(base, new, gates, options.allow, entries)
        if options.confirm:
            commands = run_commands(base, new, options.base_run, options.new_run)
            comparison = second_look(comparison, base, new, gates, commands, say, options.allow)
        unmatched = accepted.unmatched_entries(entries, base, new, options.accepted or accepted.DEFAULT)
    comparison = replace(comparison, notes=[*comparison.notes, *unmatched])
    for path, write in files:
        _write(path, write(comparison))
    return comparison


def show(comparison: Comparison, options: CompareOptions, console: Console) -> None:
    """What the options ask for in the terminal."""
    terminal.show_comparison(comparison, console, everything=options.everything)
    for line in github.to_annotations(comparison) if options.github else ():
        console.print(Text(line), soft_wrap=True)


def _check_target(path: Path) -> None:
    """Raise UserError if the file cannot be written, before anything is measured."""
    existed = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}.") from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}.") from None
