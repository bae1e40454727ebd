import io

from rich.console import Console

from lic_bench.terminal.findings import Finding, findings_table


def test_the_table_shows_every_finding_and_takes_brackets_literally():
    there = Finding(what="a", status="ok", detail="[bold]x")
    missing = Finding(what="b", status="missing", detail="", fix="do [it]")
    console = Console(file=io.StringIO(), width=100)
    console.print(findings_table([there, missing]))
    text = console.file.getvalue()
    for part in ("a", "ok", "[bold]x", "b", "missing", "do [it]"):
        assert part in text
