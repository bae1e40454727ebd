"""`lic-bench doctor`: what is there, what is missing, and the command that mends it."""

from dataclasses import asdict
from typing import Annotated

from typer import Option

from lic_bench.commands import options as opt
from lic_bench.terminal.output import console

Verbose = Annotated[bool, Option("--verbose", "-v", help="Versions and places too, and what mends each.")]


def doctor(
    data_root: opt.DataRoot = None,
    checkpoints: opt.Checkpoints = None,
    vtm_root: opt.VtmRoot = None,
    verbose: Verbose = False,
    as_json: opt.AsJson = False,
) -> None:
    """Show what is there, what is missing, and the command that fixes it."""
    from lic_bench.terminal.doctor import all_findings
    from lic_bench.terminal.findings import findings_table, short_table

    findings = all_findings(data_root=data_root, checkpoints=checkpoints, vtm_root=vtm_root)
    if as_json:
        console.say_json([asdict(finding) for finding in findings])
    elif verbose:
        console.print(findings_table(findings))
    else:
        console.print(short_table(findings))
        for finding in findings:
            if finding.status == "missing":
                console.say(f"{finding.brief}: {finding.fix}")
        console.say("Versions, places and what mends each: lic-bench doctor --verbose")
