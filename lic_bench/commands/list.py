"""`lic-bench list`: the codecs, data sets or published curves that are known."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from lic_bench.commands import options as opt
from lic_bench.commands.completion import listed_names, offering
from lic_bench.errors import UserError, unknown
from lic_bench.terminal.output import console

LISTS = ("codecs", "datasets", "published")
What = Annotated[str, Argument(help="codecs, datasets or published.", **offering(lambda: LISTS))]
Names = Annotated[
    list[str] | None,
    Argument(help="Of these codecs all that is known.", metavar="[NAME]...", autocompletion=listed_names),
]


def list_known(what: What, names: Names = None, plugin: opt.Plugins = None, as_json: opt.AsJson = False) -> None:
    """Show the codecs, data sets or published curves that are known, or all that is known of a codec."""
    opt.add_plugins(plugin)
    if what not in LISTS:
        raise unknown("list", what, LISTS)
    if what == "codecs":
        _list_codecs(names or [], as_json=as_json)
    elif names:
        raise UserError(f"list {what} {names[0]}: only codecs have details; write list {what}.")
    else:
        from lic_bench.terminal import listings

        rows = listings.dataset_rows() if what == "datasets" else listings.published_rows()
        console.say_json(rows) if as_json else console.print(listings.rows_table(rows))


def _list_codecs(names: list[str], *, as_json: bool) -> None:
    from lic_bench.codecs.registry import find_codecs, resolve_codec
    from lic_bench.terminal.listings import codec_details, codecs_table, details_table

    details = [codec_details(spec) for spec in (map(resolve_codec, names) if names else find_codecs().values())]
    if as_json:
        console.say_json(details)
    elif names:
        for of_codec in details:
            console.print(details_table(of_codec))
    else:
        console.print(codecs_table())
        console.say("All that is known of one: lic-bench list codecs NAME")
