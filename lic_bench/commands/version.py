"""What stands before the verb: `lic-bench --version`."""

from typing import Annotated

import typer

from lic_bench.terminal.output import console


def _print_version(asked: bool) -> None:
    if asked:
        from lic_bench import __version__

        console.say(f"lic-bench {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
]


def program_options(version: Version = False) -> None:
    """Measure image codecs: rate, distortion, latency, memory, complexity; report BD-rates, tables and figures."""
