"""`lic-bench list`: the codecs, data sets or published curves that are known."""

from typing import Annotated

from typer import Argument

from lic_bench.commands import options as opt
from lic_bench.terminal.output import console


def list_known(
    what: Annotated[str, Argument(help="codecs, datasets or published.")], plugin: opt.Plugins = None
) -> None:
    """Show the codecs, data sets or published curves that are known."""
    from lic_bench.errors import unknown
    from lic_bench.terminal.listings import TABLES

    opt.add_plugins(plugin)
    if what not in TABLES:
        raise unknown("list", what, TABLES)
    console.print(TABLES[what]())
