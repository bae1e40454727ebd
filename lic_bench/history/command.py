"""`lic-bench history`: its options, and the calls that add, show and draw what they ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lic_bench.compare import accepted
from lic_bench.errors import UserError, unknown
from lic_bench.history import history_file
from lic_bench.history.level_shifts import LEAST
from lic_bench.history.metric_series import Series, series_of, unused
from lic_bench.history.point import Point
from lic_bench.history.run_points import points_of
from lic_bench.history.table import series_table, steps_table
from lic_bench.report.labels import plural
from lic_bench.report.tables.terminal import to_rich
from lic_bench.store.run_folder import Run
from lic_bench.system.option_lists import split_list

FOLDER = Path("results/history")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOptions:
    """The options of `lic-bench history` as they were given."""

    into: Path = FOLDER
    codec: str | None = None
    metric: str | None = None
    machine: str | None = None
    out: Path | None = None
    accepted: Path | None = None
    everything: bool = False


def add(runs: Sequence[Path], into: Path, console: Console) -> int:
    """Add the runs, all read before anything is written; how many lines are new. Raises UserError for bad input."""
    read = [(folder, points_of(Run(folder))) for folder in runs]
    if empty := next((folder for folder, points in read if not points), None):
        raise UserError(f"{empty} has nothing to add: no data set is complete there; run it to its end first.")
    total = 0
    for folder, points in read:
        count = history_file.add(points, into)
        total += count
        known = f", {plural(len(points) - count, 'line')} there already" if count < len(points) else ""
        if other := history_file.differing(points, into):
            known += f", {other} with other values: the run was changed since, and the history keeps the first"
        _say(
            console,
            f"{folder}: {plural(count, 'line')} added to {into / points[0].machine}{history_file.SUFFIX}{known}",
        )
    return total


def show(options: HistoryOptions, console: Console) -> list[Series]:
    """Show the series and their steps, and draw them into a folder if one is named."""
    entries = accepted.read_named_or_default(options.accepted)
    series = series_of(_chosen(history_file.read(options.into), options), entries)
    for machine in dict.fromkeys(member.last.machine for member in series):
        of_machine = [member for member in series if member.last.machine == machine]
        table = series_table(of_machine, everything=options.everything)
        if table.rows:
            console.print(to_rich(table, console.width))
        else:
            _say(console, f"{table.title}: {table.caption}")
        if any(member.steps for member in of_machine):
            console.print(to_rich(steps_table(of_machine), console.width))
    path = options.accepted or accepted.DEFAULT
    if not any((options.codec, options.metric, options.machine)):
        for number, entry in unused(series, entries):
            _say(console, f"{path}, number {number} ({entry.about}): no such step.", "yellow")
    _say_outcome(series, path, console)
    if options.out is not None:
        from lic_bench.history.figures import write_figures

        _say(console, f"{plural(len(write_figures(series, options.out)), 'file')} in {options.out}")
    return series


def _chosen(points: Sequence[Point], options: HistoryOptions) -> list[Point]:
    """The points of the codecs, metrics and machines asked for. Raises UserError for an unknown name."""
    chosen = list(points)
    for name in ("machine", "codec", "metric"):
        asked = getattr(options, name)
        if asked is None:
            continue
        names = split_list(asked, f"--{name}")
        known = {getattr(point, name) for point in points}
        for missing in (name_asked for name_asked in names if name_asked not in known):
            raise unknown(f"--{name}", missing, known)
        chosen = [point for point in chosen if getattr(point, name) in names]
    if not chosen:
        raise UserError("No series has all of the --codec, --metric and --machine asked for; leave one out.")
    return chosen


def _say_outcome(series: Sequence[Series], path: Path, console: Console) -> None:
    open_steps = sum(len(member.open) for member in series)
    if open_steps:
        advice = f"mend what got worse, or say in {path} who accepts it."
        _say(console, f"{plural(open_steps, 'step')} OPEN: {advice}", "bold red")
    elif all(len(member.points) < 2 for member in series):
        _say(console, f"One run shows no steps yet: they take two, of times and resident memory {2 * LEAST}.", "yellow")
    else:
        _say(console, "Nothing is OPEN.", "bold green")


def _say(console: Console, sentence: str, style: str = "") -> None:
    console.print(Text(sentence, style, overflow="fold"), soft_wrap=True)
