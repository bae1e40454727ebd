"""`lic-bench analyze`: what happens inside of codecs, as figures and numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from lic_bench.commands import completion, measuring
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.commands.exit_codes import FAILED, INTERRUPTED
from lic_bench.commands.run import Crop, Datasets, Limit
from lic_bench.errors import UserError, unknown
from lic_bench.terminal.output import console, errors

if TYPE_CHECKING:
    from lic_bench.analysis.analyze import Outcome
    from lic_bench.run.options import Options

CODECS = "lalic-small"  # which brings its weights
WHAT = ("erf", "correlation", "deviation", "crops")
What = Annotated[
    str,
    Argument(
        help="erf: effective receptive field of g_a and h_a; correlation: of neighbours in the normalised latent; "
        "deviation: what quantisation takes, and bits by slice; crops: reconstructions at equal rate.",
        **offering(lambda: WHAT),
    ),
]
Codecs = Annotated[
    str | None,
    Option(
        help="Codecs, separated by commas. [default: lalic-small, of crops --run: all in it]",
        **offering(completion.codec_names),
    ),
]
Out = Annotated[Path, Option(help="Folder for the figures (PNG, SVG, PDF) and their numbers.", **opt.PATH)]
Run = Annotated[
    Path | None, Option("--run", help="Of crops: draw what this run with --save pictures has, code nothing.", **opt.RUN)
]
Match = Annotated[
    str | None, Option(help="Of crops: CODEC:QUALITY whose rate the others meet. [default: the first codec]")
]
Window = Annotated[str | None, Option(help="Of crops: x,y,w,h in pixels. [default: the most detailed 128 x 128]")]


def analyze(
    what: What,
    codecs: Codecs = None,
    datasets: Datasets = "kodak",
    data_root: opt.DataRoot = None,
    limit: Limit = None,
    crop: Crop = None,
    convert: opt.Convert = False,
    qualities: opt.Qualities = None,
    checkpoints: opt.Checkpoints = None,
    checkpoint: opt.Checkpoint = None,
    weights: opt.Weights = None,
    run: Run = None,
    match: Match = None,
    window: Window = None,
    out: Out = Path("results/analysis"),
    device: opt.Device = "auto",
    threads: opt.Threads = None,
    plugin: opt.Plugins = None,
    quiet: opt.Quiet = False,
) -> None:
    """Draw what happens inside of codecs, as the LALIC paper's figures 3, 8, 9, 12 and 13; see docs/analysis.md."""
    given = locals()
    if what not in WHAT:
        raise unknown("analysis", what, WHAT)
    if what != "crops":
        _refuse(what, {"run": run, "match": match, "window": window})
    import lic_bench.run.session  # noqa: F401  # torch, whose settings are kept only if it is there before plug-ins
    from lic_bench.run.options import Options

    opt.add_plugins(plugin)
    options = opt.fill(Options, given | {"codecs": codecs or ("" if run else CODECS)})
    try:
        outcome = _crops(options, run, window) if what == "crops" else _networks(what, options)
    except KeyboardInterrupt:
        errors.say("lic-bench: stopped, nothing was drawn.")
        raise typer.Exit(INTERRUPTED) from None
    for file in outcome.files:
        console.say(str(file))
    for line in outcome.failed:
        errors.say(f"Not analysed: {line}")
    if outcome.failed:
        raise typer.Exit(FAILED)


def _refuse(what: str, given: dict[str, Any]) -> None:
    if name := next((name for name, value in given.items() if value is not None), None):
        raise UserError(f"--{name} {given[name]}: is of analyze crops, not of analyze {what}; leave it out.")


def _networks(what: str, options: Options) -> Outcome:
    from lic_bench.analysis.analyze import analyze_networks

    return analyze_networks(what, options, console.say)


def _crops(options: Options, run: Path | None, window: str | None) -> Outcome:
    """From the run; without one the images are coded now, by a run in OUT/run."""
    from lic_bench.analysis.analyze import draw_crops
    from lic_bench.analysis.matched_crops import Window, coding_options
    from lic_bench.run import session

    if window is not None:
        Window.parsed(window)  # before anything is coded
    if run is not None:
        return draw_crops(run, options, window)
    coding, target = coding_options(options)
    coded = measuring.watched(lambda progress: session.run(coding, progress))
    outcome = draw_crops(coding.out, replace(options, match=str(target)), window)
    outcome.failed += [f"{r.codec} quality {r.quality} {r.dataset}/{r.image}: {r.error}" for r in coded.failed]
    return outcome
