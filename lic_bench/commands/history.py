"""`lic-bench history` and `lic-bench history add`: the numbers of stored runs over the commits."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from lic_bench.commands import completion
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.commands.exit_codes import FAILED
from lic_bench.terminal.output import console

Folder = Annotated[Path | None, Option(help="Folder of the history. [default: results/history]", **opt.PATH)]
Runs = Annotated[list[Path], Argument(help="Folders of runs.", **opt.RUN)]
OnlyCodecs = Annotated[
    str | None, Option(help="Only these codecs, separated by commas.", **offering(completion.codec_names))
]
OnlyMetrics = Annotated[
    str | None, Option(help="Only these metrics, separated by commas, as encode_s.", **offering(completion.metrics))
]
OnlyMachines = Annotated[str | None, Option(help="Only these machines, separated by commas.")]
FigureFolder = Annotated[Path | None, Option(help="Draw the series into this folder, as PNG and SVG.", **opt.PATH)]
Everything = Annotated[bool, Option("--all", help="A row for each series without a step, too.")]
FailOnOpen = Annotated[
    bool, Option("--fail-on-open", help="Exit with 1 where something got worse that nobody accepted or mended.")
]

history_app = typer.Typer(rich_markup_mode=None)


@history_app.callback(invoke_without_command=True)
def history(
    context: typer.Context,
    into: Folder = None,
    codec: OnlyCodecs = None,
    metric: OnlyMetrics = None,
    machine: OnlyMachines = None,
    out: FigureFolder = None,
    accepted: opt.AcceptedFile = None,
    everything: Everything = False,
    fail_on_open: FailOnOpen = False,
) -> None:
    """Show how the numbers of stored runs went over the commits, and at which of them they changed."""
    given = locals()
    if context.invoked_subcommand:
        return
    from lic_bench.history.command import HistoryOptions, show

    any_open = any(series.open for series in show(opt.fill(HistoryOptions, given), console))
    if fail_on_open and any_open:
        raise typer.Exit(FAILED)


@history_app.command()
def add(context: typer.Context, runs: Runs, into: Folder = None) -> None:
    """Append the numbers of stored runs to the history, a file per machine; a run that is there adds nothing."""
    from lic_bench.history import command

    before_the_verb = context.parent.params["into"] if context.parent else None
    command.add(runs, into or before_the_verb or command.FOLDER, console)
