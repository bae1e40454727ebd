"""`lic-bench scale`: measure codecs on square pictures of rising size."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Option

from lic_bench.commands import measuring
from lic_bench.commands import options as opt

Sizes = Annotated[str, Option(help="Sides of the square pictures in pixels: 256,384,512, or 256:2048 for doublings.")]
Quick = Annotated[bool, Option("--quick", help="A first look: short warm-ups and few samples.")]


def scale(
    codecs: opt.Codecs,
    sizes: Sizes = "256:2048",
    out: opt.RunFolder = Path("results/scale"),
    checkpoints: opt.Checkpoints = None,
    checkpoint: opt.Checkpoint = None,
    weights: opt.Weights = None,
    coder: opt.Coder = "native",
    qualities: opt.Qualities = None,
    device: opt.Device = "auto",
    repeats: opt.Repeats = None,
    budget: opt.Budget = None,
    threads: opt.Threads = None,
    isolate: opt.Isolate = None,
    timeout: opt.Timeout = None,
    memory_sizes: opt.MemorySizes = opt.MEMORY_SIZES,
    quick: Quick = False,
    fresh: opt.Fresh = False,
    retry_failed: opt.RetryFailed = False,
    allow: opt.Allow = None,
    plugin: opt.Plugins = None,
) -> None:
    """Measure time, memory and operations against the size of the image, each codec until it runs out of memory."""
    given = locals()
    from lic_bench.report.tables.scaling_tables import parse_memory_sizes
    from lic_bench.run import scaling
    from lic_bench.run.options import Options

    opt.add_plugins(plugin)
    memory_gib = parse_memory_sizes(memory_sizes)
    options = opt.fill(Options, given)
    outcome = measuring.watched(lambda progress: scaling.run(options, sizes, progress))
    _print_tables(out, memory_gib)
    failed = [row for row in outcome.failed if not scaling.is_limit(row)]
    uncounted = [row for row in outcome.failed_complexity if not scaling.is_limit(row)]
    measuring.finish(out, replace(outcome, failed=failed, failed_complexity=uncounted))


def _print_tables(out: Path, memory_gib: Sequence[float]) -> None:
    from lic_bench.report.frames.scaling import scaling_frames
    from lic_bench.report.tables.scaling_tables import scaling_tables
    from lic_bench.report.tables.terminal import to_rich
    from lic_bench.store.run_folder import Run
    from lic_bench.terminal.output import console

    for table in scaling_tables(scaling_frames([Run(out)]), memory_gib):
        if table.rows:
            console.print(to_rich(table, console.width))
