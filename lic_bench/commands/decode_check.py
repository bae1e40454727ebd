"""`lic-bench decode-check`: decode a run's saved bitstreams again, here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from lic_bench.commands import options as opt
from lic_bench.commands.exit_codes import FAILED
from lic_bench.terminal.output import console

if TYPE_CHECKING:
    pass

RunArgument = Annotated[
    Path, Argument(metavar="RUN", help="Folder of a run with --save bitstreams.", parser=opt.named_folder)
]
Only = Annotated[str | None, Option("--codecs", help="Only these, separated by commas.")]


def decode_check(
    run: RunArgument,
    codecs: Only = None,
    device: opt.Device = "auto",
    threads: opt.Threads = None,
    checkpoints: opt.Checkpoints = None,
    checkpoint: opt.Checkpoint = None,
    plugin: opt.Plugins = None,
    as_json: opt.AsJson = False,
) -> None:
    """Decode a run's saved bitstreams on this machine, and say whether the pictures are those of the machine that ran.

    Exit code 1 where one could not be decoded, or became another picture.
    """
    opt.add_plugins(plugin)
    from lic_bench.run.decode_check import check_decodes
    from lic_bench.terminal.decode_check import decode_table

    decoder, decodes = check_decodes(
        run,
        codecs=codecs,
        device=device,
        threads=threads,
        checkpoints=checkpoints,
        checkpoint=checkpoint or (),
    )
    if as_json:
        console.say_json({"decoder": decoder, "decodes": [asdict(decode) for decode in decodes]})
    else:
        console.print(decode_table(decodes))
        console.say(", ".join(f"{name} {value}" for name, value in decoder.items() if value is not None))
        for error in dict.fromkeys(f"{d.codec} quality {d.quality}: {d.error}" for d in decodes if d.error):
            console.say(error)
    if any(decode.outcome in ("other", "failed") for decode in decodes):
        raise typer.Exit(FAILED)
