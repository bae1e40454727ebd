"""`lic-bench doctor`: what is there, what is missing, and the command that mends it."""

from lic_bench.commands import options as opt
from lic_bench.terminal.output import console


def doctor(data_root: opt.DataRoot = None, checkpoints: opt.Checkpoints = None, vtm_root: opt.VtmRoot = None) -> None:
    """Show what is there, what is missing, and the command that fixes it."""
    from lic_bench.terminal.doctor import all_findings
    from lic_bench.terminal.findings import findings_table

    console.print(findings_table(all_findings(data_root=data_root, checkpoints=checkpoints, vtm_root=vtm_root)))
