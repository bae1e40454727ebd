"""`lic-bench export`: a run in another program's format."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from lic_bench.commands import completion
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.terminal.output import console, errors

Source = Annotated[Path, Argument(help="Folder of a run, or of imported points.", **opt.RUN)]
Format = Annotated[
    str,
    Option(
        "--format",
        help="compressai, csv, codec-compare (a folder, with batches.json) or parquet.",
        **offering(completion.export_formats),
    ),
]
Out = Annotated[Path, Option(help="A new file (csv, parquet) or folder (compressai, codec-compare).", **opt.PATH)]


def export(run: Source, format_: Format, out: Out) -> None:
    """Write a run as CompressAI's result files, CSV, Codec-Compare's batches or Parquet."""
    from lic_bench.report.exchange.exporting import export as write
    from lic_bench.report.labels import plural

    exported = write(run, format_, out)
    for what in exported.left_out:
        errors.say(what)
    console.say(f"{plural(len(exported.files), 'file')} in {out}" if "" not in exported.files else f"Written: {out}")
