"""`lic-bench claims`: the paper's printed numbers against what is found here."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from lic_bench.commands import options as opt
from lic_bench.commands.exit_codes import FAILED
from lic_bench.terminal.output import console

Runs = Annotated[list[Path] | None, Argument(help="Folders of runs, to hold against the printed numbers.", **opt.RUN)]
Strict = Annotated[bool, Option("--strict", help="Exit code 1 where a number differs without a known explanation.")]


def claims(runs: Runs = None, strict: Strict = False, as_json: opt.AsJson = False) -> None:
    """Hold every number of the LALIC paper's tables against published points, and against RUNS."""
    from lic_bench.report.claims.claimed_runs import open_runs
    from lic_bench.report.claims.verdicts import check_claims, summary
    from lic_bench.report.tables.claims_tables import claims_tables
    from lic_bench.report.tables.terminal import to_rich

    checked = check_claims(open_runs(runs or []))
    if as_json:
        console.say_json([claim.as_json() for claim in checked])
    else:
        for table in claims_tables(checked):
            console.print(to_rich(table, console.width))
        console.say(f"All tables: {summary(checked)}.")
    if strict and any(claim.is_unexplained for claim in checked):
        raise typer.Exit(FAILED)
