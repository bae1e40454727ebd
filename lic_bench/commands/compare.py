"""`lic-bench compare`: two runs, number by number."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from lic_bench.commands import completion
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.commands.exit_codes import FAILED, INTERRUPTED
from lic_bench.terminal.output import ClosedPipe, console, errors

Base = Annotated[str, Argument(help="The run to compare with: a folder, or git:REV:FOLDER.")]
New = Annotated[str, Argument(help="The run that is compared: a folder, or git:REV:FOLDER.")]
Gate = Annotated[Path | None, Option(help="TOML file of what may change by how much. [default: built in]", **opt.PATH)]
Allow = Annotated[
    list[str] | None,
    Option(
        metavar="NAME",
        help="Compare although this differs, as machine; named in the output; may be repeated.",
        **offering(completion.allowed_differences),
    ),
]
Confirm = Annotated[
    bool, Option("--confirm", help="Measure times that one look does not settle again, BASE and NEW in turn.")
]
BaseRun = Annotated[str | None, Option("--base-run", help="How --confirm runs BASE: 'PATH/lic-bench run OPTIONS'.")]
NewRun = Annotated[str | None, Option("--new-run", help="How --confirm runs NEW, alike.")]
Markdown = Annotated[Path | None, Option(help="Write a comment for a pull request to this file.", **opt.PATH)]
Json = Annotated[Path | None, Option(help="Write everything to this file, for programs.", **opt.PATH)]
Junit = Annotated[Path | None, Option(help="Write JUnit XML to this file.", **opt.PATH)]
Github = Annotated[bool, Option("--github", help="Print annotations for GitHub Actions too.")]
Everything = Annotated[bool, Option("--all", help="A row for each number that is the same, too.")]


def compare(
    base: Base,
    new: New,
    gate: Gate = None,
    allow: Allow = None,
    accepted: opt.AcceptedFile = None,
    confirm: Confirm = False,
    base_run: BaseRun = None,
    new_run: NewRun = None,
    markdown: Markdown = None,
    json: Json = None,
    junit: Junit = None,
    github: Github = False,
    everything: Everything = False,
) -> None:
    """Compare two runs, number by number. Exit code 1: NEW is worse, 3: they cannot be compared."""
    given = locals()
    from lic_bench.compare import command

    options = opt.fill(command.CompareOptions, given)
    try:
        comparison = command.run(options, errors.say)
        with suppress(ClosedPipe):  # its exit code would hide that NEW is worse
            command.show(comparison, options, console)
    except KeyboardInterrupt:
        errors.say("lic-bench: stopped, nothing was compared.")
        raise typer.Exit(INTERRUPTED) from None
    if comparison.regressions:
        raise typer.Exit(FAILED)
