"""`lic-bench metrics`: pictures that were decoded elsewhere become a run, for reports beside runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from lic_bench.commands import completion
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.commands.exit_codes import FAILED, INTERRUPTED
from lic_bench.errors import UserError
from lic_bench.terminal.output import console, errors

if TYPE_CHECKING:
    from lic_bench.run.decoded_elsewhere.measured_pairs import MetricsOptions, Outcome
    from lic_bench.run.decoded_elsewhere.metrics_choice import Metrics
    from lic_bench.run.decoded_elsewhere.picture_pairs import Pair, Pairing

Originals = Annotated[
    str,
    Argument(
        metavar="ORIGINALS", help="A data set, or a folder of the originals.", **offering(completion.dataset_names)
    ),
]
Decoded = Annotated[
    Path,
    Argument(
        metavar="DECODED",
        help="Folder of the decoded pictures: CODEC/QUALITY/IMAGE.png and the like.",
        parser=opt.named_folder,
    ),
]
Out = Annotated[Path, Option(help="Folder of this run; the same command again resumes it.", **opt.PATH)]
Sizes = Annotated[
    Path | None,
    Option(
        help="CSV file with codec, quality, image, and bytes or bpp, headers included. "
        "[default: the bitstreams beside the pictures]",
        **opt.PATH,
    ),
]
Pattern = Annotated[
    str | None,
    Option(help="How DECODED is called, as '{codec}/q{quality}/{image}.png'. [default: found]", show_default=False),
]
MetricNames = Annotated[
    str | None,
    Option("--metrics", help="Perceptual metrics beside PSNR and MS-SSIM: names with commas, jpeg-ai, or all."),
]
MetricWeights = Annotated[
    list[str] | None, Option(metavar="METRIC=FILE", help="The network that a metric needs; may be repeated.")
]
Jobs = Annotated[int | None, Option(help="Pictures at a time for --metrics. [default: the threads of torch]", min=1)]
Skip = Annotated[bool, Option("--skip", help="Measure what fits, without what does not.")]


def metrics(
    originals: Originals,
    decoded: Decoded,
    out: Out = Path("results/elsewhere"),
    sizes: Sizes = None,
    pattern: Pattern = None,
    data_root: opt.DataRoot = None,
    metrics: MetricNames = None,
    metric_weights: MetricWeights = None,
    jobs: Jobs = None,
    skip: Skip = False,
    fresh: opt.Fresh = False,
    allow: opt.Allow = None,
    quiet: opt.Quiet = False,
    as_json: opt.AsJson = False,
) -> None:
    """Measure pictures that were coded and decoded elsewhere, and store them as a run with the sizes that are told."""
    given = locals()
    from lic_bench.run.decoded_elsewhere.measured_pairs import MetricsOptions, find_pairs
    from lic_bench.run.decoded_elsewhere.metrics_choice import choose_metrics

    options = opt.fill(MetricsOptions, given)
    chosen = choose_metrics(options.metrics, options.metric_weights)
    pairing = find_pairs(options)
    _check(pairing, chosen, skip=skip)
    outcome = _measure(pairing, options, chosen)
    _say_results(options.out, outcome, as_json=as_json)


def _check(pairing: Pairing, chosen: Metrics, *, skip: bool) -> None:
    """Show what was understood. Raises UserError where something does not fit, unless it is to be left out."""
    from lic_bench.terminal.decoded_elsewhere import pairing_lines, pairing_table, problems_table
    from lic_bench.terminal.images import show_images

    show_images([pairing.dataset])
    for line in pairing_lines(pairing):
        console.say(line)
    if pairing.pairs:
        console.print(pairing_table(pairing))
    if count := len(pairing.problems):
        console.print(problems_table(pairing.problems))
        if not pairing.pairs:
            raise UserError(f"None of the pictures fits ({count} problems); nothing was measured.")
        if not skip:
            raise UserError(f"{count} do not fit; nothing was measured. Put them right, or leave them out with --skip.")
        errors.say(f"Left out, as --skip asks: {count} that do not fit.")
    for note in chosen.notes:
        console.say(note)


def _measure(pairing: Pairing, options: MetricsOptions, chosen: Metrics) -> Outcome:
    from lic_bench.run.decoded_elsewhere.measured_pairs import measure_pairs
    from lic_bench.terminal.progress import live_bar

    try:
        with live_bar(console) as bar:
            task = bar.add_task("", total=len(pairing.pairs), eta="")

            def stored(pair: Pair, done: int) -> None:
                text = f"{pair.name.codec} {pair.name.quality} {pair.name.image}"
                bar.update(task, completed=done, description=text)

            return measure_pairs(pairing, options, chosen, stored)
    except KeyboardInterrupt:
        errors.say("lic-bench: stopped; what was measured is stored, the same command goes on.")
        raise typer.Exit(INTERRUPTED) from None


def _say_results(out: Path, outcome: Outcome, *, as_json: bool) -> None:
    """Print the means; leave with FAILED where a metric could not be measured."""
    from lic_bench.terminal.decoded_elsewhere import perceptual_tables
    from lic_bench.terminal.listings import run_points, run_summary

    points = run_points(out)
    if as_json:
        console.say_json(points)
    else:
        console.print(run_summary(points))
        for table in perceptual_tables(out):
            console.print(table)
    for text, count in (outcome.undefined + outcome.failed).items():
        errors.say(f"No {text} ({count} pictures).")
    console.say(f"Coded elsewhere, measured here. Next: lic-bench report {out}")
    if outcome.failed.total():
        raise typer.Exit(FAILED)
