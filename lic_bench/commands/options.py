"""The options that several commands have, and how a command hands its options on."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from lic_bench.commands import completion
from lic_bench.commands.completion import offering
from lic_bench.defaults import BUDGET_S, PROGRAM_TIMEOUT_S, REPEATS, TIMEOUT_S
from lic_bench.system.named_folders import named_folder
from lic_bench.terminal.output import console

PATH: Any = {"parser": named_folder, "metavar": "PATH"}  # of an option that names a folder or a file
RUN: Any = {"parser": named_folder, "metavar": "RUN"}
FILE: Any = {"parser": named_folder}


def silence(silent: bool) -> bool:
    """Print nothing more on the standard output, as --quiet asks; `say_json` still does."""
    console.quiet |= silent
    return silent


Codecs = Annotated[
    str,
    typer.Option(
        help="Codecs, separated by commas (lic-bench list codecs), or package.module:factory.",
        **offering(completion.codec_names),
    ),
]
RunFolder = Annotated[Path, typer.Option(help="Folder of this run; the same command again resumes it.", **PATH)]
DataRoot = Annotated[Path | None, typer.Option(help="Folder that holds kodak/, clic/, tecnick/.", **PATH)]
Convert = Annotated[
    bool,
    typer.Option(
        "--convert", help="Make grey, palette, CMYK, 16-bit, see-through (over white), EXIF-turned pictures 8-bit RGB."
    ),
]
Checkpoints = Annotated[Path | None, typer.Option(help="Folder that holds the authors' weights.", **PATH)]
Checkpoint = Annotated[
    list[str] | None,
    typer.Option(metavar="CODEC[:N]=FILE", help="The weights file of a codec, at quality N; may be repeated."),
]
Streams = Annotated[
    list[str] | None,
    typer.Option(metavar="CODEC=FOLDER", help="The bitstreams of a decode-only codec; may be repeated."),
]
Coder = Annotated[
    str,
    typer.Option(
        help="rANS coder of learned codecs: native, compressai, or both as rows of their own.",
        **offering(completion.coders),
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="auto: what is there; require: error if missing; random: none.", **offering(completion.weights_choices)
    ),
]
Qualities = Annotated[
    list[str] | None, typer.Option(help="1,3,5 or 1..6 for every codec, jpeg=30,50 for one; may be repeated.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", **offering(completion.devices))]
Repeats = Annotated[
    int | None, typer.Option(help=f"Samples of each time at least, within --budget. [default: {REPEATS}]")
]
Budget = Annotated[
    float | None,
    typer.Option(help=f"Seconds of samples of each time, after which there are no more. [default: {BUDGET_S:g}]"),
]
Threads = Annotated[int | None, typer.Option(help="CPU threads of the networks. [default: torch's]")]
VtmRoot = Annotated[
    Path | None, typer.Option(help="VTM's folder, with bin/ and cfg/. [default: $VTM_ROOT, PATH]", **PATH)
]
Isolate = Annotated[
    bool | None,
    typer.Option(
        "--isolate/--no-isolate", help="Each codec in a process of its own. [default: where latency or memory is taken]"
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        help="Seconds a codec may take for one image or turn. "
        f"[default: {TIMEOUT_S:g}; {PROGRAM_TIMEOUT_S:g} where it is another program]"
    ),
]
MEMORY_SIZES = "8,12,16,24,48,80"
MemorySizes = Annotated[
    str, typer.Option(help="Sizes of memory in GiB for which the largest image is predicted, separated by commas.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Set an earlier run in --out aside and begin anew.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Measure failed records again.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="commit: go on with a run of another commit; its new records say of which they are.",
        **offering(lambda: ["commit"]),
    ),
]
Plugins = Annotated[list[Path] | None, typer.Option(help="Folder of a codec of your own; may be repeated.", **PATH)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", callback=silence, is_eager=True, help="Print nothing but errors.")
]
AsJson = Annotated[
    bool, typer.Option("--json", callback=silence, is_eager=True, help="Print JSON, and nothing else but errors.")
]
AcceptedFile = Annotated[
    Path | None, typer.Option(help="TOML file of changes that were accepted. [default: results/accepted.toml]", **PATH)
]

OptionsT = TypeVar("OptionsT")


def fill(kind: type[OptionsT], given: Mapping[str, Any]) -> OptionsT:
    """Make the dataclass `kind` from the options of the same names. An option not given, None, has its default there.

    given: `locals()` at the beginning of a command. A type checker cannot see that the command's parameters are the
    fields of `kind`, with their types: tests/lic_bench/commands/test_options.py holds it.
    """
    names = [item.name for item in fields(kind)]  # type: ignore[arg-type]  # any dataclass
    values = {name: given[name] for name in names if given.get(name) is not None}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def add_plugins(folders: list[Path] | None) -> None:
    """Make the codecs in these folders known. Raises UserError for a folder without one."""
    if folders:
        from lic_bench.codecs.registry import add_plugin

        for folder in folders:
            add_plugin(folder)
