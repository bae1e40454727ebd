"""`lic-bench run`: measure codecs on images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Context, Option

from lic_bench.commands import completion, measuring
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.commands.config_file import naming_file, use_as_defaults, with_source

if TYPE_CHECKING:
    from lic_bench.run.options import Options

Config = Annotated[
    Path | None,
    Argument(
        metavar="[FILE]",
        help="TOML file of options, or a run's folder or run.json, whose options count where none is given here.",
        callback=use_as_defaults,
        is_eager=True,
        parser=opt.named_folder,
    ),
]
Datasets = Annotated[
    str, Option(help="Data sets or folders of images, separated by commas.", **offering(completion.dataset_names))
]
Limit = Annotated[int | None, Option(help="Only the first N images of each data set.")]
Match = Annotated[
    str | None,
    Option(help="CODEC:QUALITY whose size of each image the classical codecs search their quality to meet."),
]
Crop = Annotated[int | None, Option(help="Only the central N x N pixels of each image.")]
Measure = Annotated[
    str,
    Option(
        help="Of: quality, latency, phases, memory, complexity, all; throughput; perceptual.",
        **offering(completion.measurements),
    ),
]
Batch = Annotated[str | None, Option(help="Images in a call, for the throughput. [default: 1,4,16]")]
Save = Annotated[
    str | None,
    Option(
        help="Keep of every image, in OUT: pictures (decoded, PNG), bitstreams.",
        **offering(completion.saved),
    ),
]
Metrics = Annotated[
    str | None,
    Option(
        help="Of the perceptual measurement, or jpeg-ai. [default: all that need no weights]",
        **offering(completion.perceptual_metrics),
    ),
]
MetricWeights = Annotated[
    list[str] | None,
    Option(
        metavar="METRIC=FILE",
        help="lpips=FILE of torchvision's AlexNet or VGG-16, dists=FILE of VGG-16; may be repeated.",
    ),
]
Starts = Annotated[
    int | None, Option(help="Starts of each codec's process, after each of which times are taken. [default: 1]")
]
VTM_COLOURS = ("ycbcr10", "ycbcr8", "rgb", "ycbcr8-truncated")
VtmColour = Annotated[
    str | None,
    Option(help=f"What VTM codes: {', '.join(VTM_COLOURS)}. [default: ycbcr10]", **offering(lambda: VTM_COLOURS)),
]
Jobs = Annotated[int | None, Option(help="Encoding programs at a time where no times are taken. [default: all cores]")]
Cluster = Annotated[
    str | None,
    Option(
        metavar="WHERE",
        help="Measure at workers: local:N, tcp://HOST:PORT of a Dask scheduler, or FILE.toml (docs/cluster.md).",
    ),
]
Quick = Annotated[bool, Option("--quick", help="A first look: 2 images, 256 x 256 crops, short ladders.")]
DryRun = Annotated[
    bool, Option("--dry-run", help="Measure nothing: say what would be done, and about how long it takes.")
]


def run(
    context: Context,
    codecs: opt.Codecs,
    config: Config = None,
    out: opt.RunFolder = Path("results/run"),
    datasets: Datasets = "kodak",
    data_root: opt.DataRoot = None,
    checkpoints: opt.Checkpoints = None,
    checkpoint: opt.Checkpoint = None,
    streams: opt.Streams = None,
    weights: opt.Weights = None,
    coder: opt.Coder = "native",
    qualities: opt.Qualities = None,
    match: Match = None,
    limit: Limit = None,
    crop: Crop = None,
    convert: opt.Convert = False,
    measure: Measure = "all",
    batch: Batch = None,
    save: Save = None,
    metrics: Metrics = None,
    metric_weights: MetricWeights = None,
    device: opt.Device = "auto",
    repeats: opt.Repeats = None,
    budget: opt.Budget = None,
    starts: Starts = None,
    threads: opt.Threads = None,
    vtm_root: opt.VtmRoot = None,
    vtm_colour: VtmColour = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    isolate: opt.Isolate = None,
    timeout: opt.Timeout = None,
    quick: Quick = False,
    fresh: opt.Fresh = False,
    retry_failed: opt.RetryFailed = False,
    allow: opt.Allow = None,
    plugin: opt.Plugins = None,
    dry_run: DryRun = False,
    quiet: opt.Quiet = False,
    as_json: opt.AsJson = False,
) -> None:
    """Measure codecs on images; results go to OUT/records.jsonl, one line per codec, quality and image."""
    _carry_out(context, locals())


def _carry_out(context: Context, given: dict[str, Any]) -> None:
    import lic_bench.run.session  # noqa: F401  # torch, whose settings are kept only if it is there before plug-ins
    from lic_bench.run.options import Options

    with naming_file(context):
        opt.add_plugins(given["plugin"])
        options, as_json = opt.fill(Options, given), given["as_json"]
        _print_plan(context, options, as_json=as_json) if given["dry_run"] else _measure(options, as_json=as_json)


def _measure(options: Options, *, as_json: bool) -> None:
    from lic_bench.run import session
    from lic_bench.terminal.batch_listings import batch_summary
    from lic_bench.terminal.images import show_images
    from lic_bench.terminal.listings import run_points, run_summary
    from lic_bench.terminal.output import console
    from lic_bench.terminal.variant_summary import variant_summary

    if options.cluster is None:
        outcome = measuring.watched(lambda progress: session.run(options, progress, show_images))
    else:
        from lic_bench.run.cluster import cluster_run

        outcome = measuring.watched(lambda progress: cluster_run.run(options, progress, show_images))
    points = run_points(options.out)
    if as_json:
        console.say_json(points)
    else:
        if in_records := [point for point in points if point["images"] or point["failed"]]:
            console.print(run_summary(in_records))
        if any(point["throughput"] for point in points):
            console.print(batch_summary(points))
        if variants := variant_summary(options.out, console.width):
            console.print(variants)
    measuring.finish(options.out, outcome)


def _print_plan(context: Context, options: Options, *, as_json: bool) -> None:
    from lic_bench.errors import UserError
    from lic_bench.report.reference_runs import reference_folders
    from lic_bench.run.dry_run import plan_run
    from lic_bench.terminal import dry_run_table
    from lic_bench.terminal.images import show_images
    from lic_bench.terminal.output import console, errors

    earlier = sorted(file.parent for file in options.out.parent.glob("*/run.json"))
    plan = plan_run(options, [options.out, *earlier, *reference_folders().values()])
    if as_json:
        console.say_json(dry_run_table.values(plan))
    else:
        show_images(plan.datasets)
        console.print(dry_run_table.table(plan))
        for text in [*plan.notes, dry_run_table.total(plan)]:
            console.say(text)
    for text in plan.missing[:-1]:
        errors.say(with_source(context, text))
    if plan.missing:
        raise UserError(f"{plan.missing[-1]} The run would not begin.")
