"""`lic-bench run`: measure codecs on images."""

from pathlib import Path
from typing import Annotated

from typer import Option

from lic_bench.commands import measuring
from lic_bench.commands import options as opt

Datasets = Annotated[str, Option(help="Data sets or folders of images, separated by commas.")]
Limit = Annotated[int | None, Option(help="Only the first N images of each data set.")]
Crop = Annotated[int | None, Option(help="Only the central N x N pixels of each image.")]
Measure = Annotated[str, Option(help="Of: quality, latency, phases, memory, complexity, all.")]
Starts = Annotated[
    int | None, Option(help="Starts of each codec's process, after each of which times are taken. [default: 1]")
]
VtmColour = Annotated[
    str | None, Option(help="What VTM codes: ycbcr10, ycbcr8, rgb or ycbcr8-truncated. [default: ycbcr10]")
]
Jobs = Annotated[int | None, Option(help="Encoding programs at a time where no times are taken. [default: all cores]")]
Quick = Annotated[bool, Option("--quick", help="A first look: 2 images, 256 x 256 crops, short ladders.")]


def run(
    codecs: opt.Codecs,
    out: opt.RunFolder = Path("results/run"),
    datasets: Datasets = "kodak",
    data_root: opt.DataRoot = None,
    checkpoints: opt.Checkpoints = None,
    checkpoint: opt.Checkpoint = None,
    weights: opt.Weights = None,
    qualities: opt.Qualities = None,
    limit: Limit = None,
    crop: Crop = None,
    convert: opt.Convert = False,
    measure: Measure = "all",
    device: opt.Device = "auto",
    repeats: opt.Repeats = None,
    budget: opt.Budget = None,
    starts: Starts = None,
    threads: opt.Threads = None,
    vtm_root: opt.VtmRoot = None,
    vtm_colour: VtmColour = None,
    jobs: Jobs = None,
    isolate: opt.Isolate = None,
    timeout: opt.Timeout = None,
    quick: Quick = False,
    fresh: opt.Fresh = False,
    retry_failed: opt.RetryFailed = False,
    allow: opt.Allow = None,
    plugin: opt.Plugins = None,
) -> None:
    """Measure codecs on images; results go to OUT/records.jsonl, one line per codec, quality and image."""
    given = locals()
    from lic_bench.run import session
    from lic_bench.run.options import Options
    from lic_bench.terminal.images import show_images
    from lic_bench.terminal.listings import run_summary
    from lic_bench.terminal.output import console

    opt.add_plugins(plugin)
    options = opt.fill(Options, given)
    outcome = measuring.watched(lambda progress: session.run(options, progress, show_images))
    summary = run_summary(out)
    if summary.row_count:
        console.print(summary)
    measuring.finish(out, outcome)
