"""The command line: options in, one call each, errors in one line."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lic_bench.codecs import lean_imports
from lic_bench.commands import options as opt
from lic_bench.errors import UserError
from lic_bench.terminal.output import ClosedPipe, Output

if TYPE_CHECKING:
    from lic_bench.run.runner import Outcome
    from lic_bench.terminal.progress import Display

USAGE_ERROR: type[Exception] = typer.BadParameter.__base__  # type: ignore[assignment]  # UsageError of click, or of typer's own copy of it
OK, FAILED, BAD_INPUT, BROKEN, INTERRUPTED = 0, 1, 2, 70, 130  # 70: EX_SOFTWARE of BSD's sysexits

app = typer.Typer(
    name="lic-bench",
    help="Measure image codecs: rate, distortion, latency, memory, complexity; report BD-rates, tables and figures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
history_app = typer.Typer(rich_markup_mode=None)
app.add_typer(history_app, name="history")
WIDTH_OF_LOGS = 110  # columns of tables where there is no terminal to ask
console = Output(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OF_LOGS)
errors = Output(stderr=True)


@app.command()
def run(
    codecs: opt.Codecs,
    out: opt.RunFolder = Path("results/run"),
    datasets: opt.Datasets = "kodak",
    data_root: opt.DataRoot = None,
    checkpoints: opt.Checkpoints = None,
    weights: opt.Weights = None,
    qualities: opt.Qualities = None,
    limit: opt.Limit = None,
    crop: opt.Crop = None,
    measure: opt.Measure = "all",
    device: opt.Device = "auto",
    repeats: opt.Repeats = None,
    budget: opt.Budget = None,
    starts: opt.Starts = None,
    threads: opt.Threads = None,
    vtm_root: opt.VtmRoot = None,
    vtm_colour: opt.VtmColour = None,
    jobs: opt.Jobs = None,
    isolate: opt.Isolate = None,
    timeout: opt.Timeout = None,
    quick: opt.Quick = False,
    fresh: opt.Fresh = False,
    retry_failed: opt.RetryFailed = False,
    allow: opt.AllowInRun = None,
    plugin: opt.Plugins = None,
) -> None:
    """Measure codecs on images; results go to OUT/records.jsonl, one line per codec, quality and image."""
    from lic_bench.run.session import Options
    from lic_bench.run.session import run as run_session

    _add_plugins(plugin)
    options = Options(
        codecs=codecs,
        datasets=datasets,
        out=out,
        data_root=data_root,
        checkpoints=checkpoints,
        weights=weights,
        qualities=tuple(qualities or ()),
        limit=limit,
        crop=crop,
        measure=measure,
        device=device,
        repeats=repeats,
        budget=budget,
        starts=starts,
        threads=threads,
        vtm_root=vtm_root,
        vtm_colour=vtm_colour,
        jobs=jobs,
        isolate=isolate,
        timeout=timeout,
        quick=quick,
        fresh=fresh,
        retry_failed=retry_failed,
        allow=tuple(allow or ()),
    )
    outcome = _measure(lambda display: run_session(options, display))
    _say_run(out)
    _end(out, outcome)


@app.command()
def scale(
    codecs: opt.Codecs,
    sizes: opt.Sizes = "256:2048",
    out: opt.RunFolder = Path("results/scale"),
    checkpoints: opt.Checkpoints = None,
    weights: opt.Weights = None,
    qualities: opt.Qualities = None,
    device: opt.Device = "auto",
    repeats: opt.Repeats = None,
    budget: opt.Budget = None,
    threads: opt.Threads = None,
    isolate: opt.Isolate = None,
    timeout: opt.Timeout = None,
    memory_sizes: opt.MemorySizes = opt.MEMORY_SIZES,
    quick: opt.QuickScale = False,
    fresh: opt.Fresh = False,
    retry_failed: opt.RetryFailed = False,
    allow: opt.AllowInRun = None,
    plugin: opt.Plugins = None,
) -> None:
    """Measure time, memory and operations against the size of the image, each codec until it runs out of memory."""
    from lic_bench.report.scaling_tables import parse_memory
    from lic_bench.run import scaling
    from lic_bench.run.session import Options

    _add_plugins(plugin)
    memory_gib = parse_memory(memory_sizes)
    options = Options(
        codecs=codecs,
        out=out,
        checkpoints=checkpoints,
        weights=weights,
        qualities=tuple(qualities or ()),
        device=device,
        repeats=repeats,
        budget=budget,
        threads=threads,
        isolate=isolate,
        timeout=timeout,
        quick=quick,
        fresh=fresh,
        retry_failed=retry_failed,
        allow=tuple(allow or ()),
    )
    outcome = _measure(lambda display: scaling.run(options, sizes, display))
    _say_scaling(out, memory_gib)
    failed = [row for row in outcome.failed if not scaling.is_limit(row)]
    uncounted = [row for row in outcome.failed_complexity if not scaling.is_limit(row)]
    _end(out, replace(outcome, failed=failed, failed_complexity=uncounted))


@app.command()
def report(
    runs: Annotated[list[Path] | None, typer.Argument(help="Folders of runs, shown beside each other.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the tables, figures and index.html.")] = Path("report"),
    published: Annotated[str, typer.Option(help="Published curves: all, paper, none, or slugs with commas.")] = "paper",
    reference: Annotated[
        str, typer.Option(help="This project's own runs (results/measured) beside them: all, none, or names.")
    ] = "all",
    anchor: Annotated[
        str,
        typer.Option(
            help="Anchor of the BD-rates: a codec, measured:codec or published:codec; of several, the first comparable."
        ),
    ] = "vtm-9.1",
    method: Annotated[str, typer.Option(help="Interpolation: pchip, cubic or akima.")] = "pchip",
    memory_sizes: opt.MemorySizes = opt.MEMORY_SIZES,
) -> None:
    """Write tables (Markdown, CSV, LaTeX, HTML), figures and one self-contained index.html."""
    from lic_bench.report.build import write_report
    from lic_bench.report.scaling_tables import parse_memory

    written = write_report(
        runs or [],
        out,
        published=published,
        reference=reference,
        anchor=anchor,
        method=method,
        memory_gib=parse_memory(memory_sizes),
    )
    written.show(console)
    console.print(f"Report: {written.index}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def compare(
    base: opt.BaseRun,
    new: opt.NewRun,
    gate: opt.Gate = None,
    allow: opt.Allow = None,
    accepted: opt.AcceptedFile = None,
    confirm: opt.Confirm = False,
    base_run: opt.AgainBase = None,
    new_run: opt.AgainNew = None,
    markdown: opt.Markdown = None,
    json: opt.Json = None,
    junit: opt.Junit = None,
    github: opt.Github = False,
    everything: opt.Everything = False,
) -> None:
    """Compare two runs, number by number. Exit code 1: NEW is worse, 3: they cannot be compared."""
    from lic_bench.compare.command import Options, show
    from lic_bench.compare.command import run as run_comparison

    options = Options(
        base=base,
        new=new,
        gate=gate,
        allow=tuple(allow or ()),
        accepted=accepted,
        confirm=confirm,
        base_run=base_run,
        new_run=new_run,
        markdown=markdown,
        json=json,
        junit=junit,
        github=github,
        everything=everything,
    )
    say = partial(errors.print, markup=False, highlight=False, soft_wrap=True)
    try:
        found = run_comparison(options, say)
        with suppress(ClosedPipe):  # whose exit code would hide what was found
            show(found, options, console)
    except KeyboardInterrupt:
        say("lic-bench: stopped, nothing was compared.")
        raise typer.Exit(INTERRUPTED) from None
    if found.regressions:
        raise typer.Exit(FAILED)


@history_app.callback(invoke_without_command=True)
def history(
    context: typer.Context,
    into: opt.HistoryFolder = None,
    codec: opt.OfCodecs = None,
    metric: opt.OfMetrics = None,
    machine: opt.OfMachines = None,
    out: opt.FigureFolder = None,
    accepted: opt.AcceptedFile = None,
    everything: opt.EverySeries = False,
    fail_on_open: opt.FailOnOpen = False,
) -> None:
    """Show how the numbers of stored runs went over the commits, and at which of them they changed."""
    if context.invoked_subcommand:
        return
    from lic_bench.history.command import FOLDER, Options, show

    options = Options(
        into=into or FOLDER,
        codec=codec,
        metric=metric,
        machine=machine,
        out=out,
        accepted=accepted,
        everything=everything,
    )
    still_open = any(series.open for series in show(options, console))
    if fail_on_open and still_open:
        raise typer.Exit(FAILED)


@history_app.command("add")
def add_to_history(context: typer.Context, runs: opt.HistoryRuns, into: opt.HistoryFolder = None) -> None:
    """Append the numbers of stored runs to the history, a file per machine; a run that is there adds nothing."""
    from lic_bench.history.command import FOLDER, add

    before = context.parent.params.get("into") if context.parent else None
    add(runs, into or before or FOLDER, console)


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="codecs, datasets or published.")],
    plugin: opt.Plugins = None,
) -> None:
    """Show the codecs, data sets or published curves that are known."""
    from lic_bench.terminal.listings import TABLES, unknown_table

    _add_plugins(plugin)
    if what not in TABLES:
        raise unknown_table(what)
    console.print(TABLES[what]())


@app.command()
def doctor(
    data_root: opt.DataRoot = None,
    checkpoints: opt.Checkpoints = None,
    vtm_root: opt.VtmRoot = None,
) -> None:
    """Show what is there, what is missing, and the command that fixes it."""
    from lic_bench.terminal.doctor import check, render

    console.print(render(check(data_root=data_root, checkpoints=checkpoints, vtm_root=vtm_root)))


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="kodak, clic, tecnick or weights.")],
    data_root: Annotated[Path | None, typer.Option(help="Where to; a folder of that name is made in it.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Another address: folder of the files, archive, or folder of CODEC/FILE.")
    ] = None,
    codecs: Annotated[str | None, typer.Option(help="Of weights: of these codecs, separated by commas.")] = None,
    checkpoints: Annotated[Path | None, typer.Option(help="Of weights: where to; CODEC/FILE is made in it.")] = None,
    plugin: opt.Plugins = None,
) -> None:
    """Download a data set or the weights of codecs, resume where a download broke off, check what came."""
    from lic_bench.fetch.fetch_datasets import fetch as bring
    from lic_bench.terminal.progress import Downloads

    _add_plugins(plugin)
    if name == "weights":
        if data_root is not None:
            raise UserError(f"--data-root {data_root}: is for data sets; weights go to --checkpoints.")
        return _fetch_weights(codecs, checkpoints, url)
    if codecs is not None or checkpoints is not None:
        raise UserError(f"--codecs and --checkpoints are for weights, not for {name!r}; write `fetch weights`.")
    with Downloads(console) as downloads:
        fetched = bring(name, data_root, url, downloads.show)
    for warning in fetched.warnings:
        errors.print(warning, markup=False, highlight=False, soft_wrap=True)
    count = f"{fetched.images} images in {fetched.folder}, {fetched.downloaded} files downloaded now"
    console.print(count, markup=False, highlight=False, soft_wrap=True)


def _fetch_weights(codecs: str | None, checkpoints: Path | None, url: str | None) -> None:
    from lic_bench.fetch.fetch_weights import fetch_weights, shortfall, summary
    from lic_bench.terminal.progress import Downloads

    if codecs is None:
        raise UserError("fetch weights: --codecs is missing; give names separated by commas (lic-bench list codecs).")
    with Downloads(console) as downloads:
        outcomes = fetch_weights(codecs, checkpoints, url, downloads.show)
    for outcome in outcomes:
        for text in outcome.errors:
            errors.print(text, markup=False, highlight=False, soft_wrap=True)
        for text in summary(outcome):
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    if reason := shortfall(outcomes):
        raise UserError(reason)


def _add_plugins(folders: list[Path] | None) -> None:
    if folders:
        from lic_bench.codecs.registry import add_plugin

        for folder in folders:
            add_plugin(folder)


def _measure(go: Callable[[Display], Outcome]) -> Outcome:
    """Do it, watched by whoever sits there; Ctrl-C ends in order."""
    from lic_bench.terminal.progress import Display

    display = Display(console)
    try:
        return go(display)
    except KeyboardInterrupt:
        display.close()
        errors.print("lic-bench: stopped; what was measured is stored, the same command goes on.", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        display.close()


def _say_run(out: Path) -> None:
    from lic_bench.terminal.listings import run_summary

    summary = run_summary(out)
    if summary.row_count:
        console.print(summary)


def _say_scaling(out: Path, memory_gib: Sequence[float]) -> None:
    from lic_bench.report.scaling import scaling
    from lic_bench.report.scaling_tables import scaling_tables
    from lic_bench.report.terminal import to_rich
    from lic_bench.store.run_folder import Run

    for table in scaling_tables(scaling([Run(out)]), memory_gib):
        if table.rows:
            console.print(to_rich(table, console.width))


def _end(out: Path, outcome: Outcome) -> None:
    """Say what failed and what to do next; leave with the exit code that says so too."""
    if outcome.failed:
        first = outcome.failed[0]
        errors.print(
            f"{len(outcome.failed)} records failed, the first: {first.codec} quality {first.quality} "
            f"{first.dataset}/{first.image}: {first.error}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    for row in outcome.failed_complexity:
        text = f"No complexity of {row.codec} by {row.counter}: {row.error}"
        errors.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print(f"Next: lic-bench report {out}", markup=False, highlight=False, soft_wrap=True)
    if outcome.failed or outcome.failed_complexity:
        raise typer.Exit(FAILED)


def main() -> None:
    """Entry point: a UserError becomes one line and exit code 2."""
    lean_imports.install()
    _end_in_order()
    try:
        sys.exit(app(prog_name="lic-bench", standalone_mode=False))
    except USAGE_ERROR as error:
        _say_usage(error)
        sys.exit(BAD_INPUT)
    except UserError as error:
        errors.print(f"lic-bench: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except Exception:  # not exit code 1, which would say that something is worse
        traceback.print_exc()
        sys.exit(BROKEN)


def _end_in_order() -> None:
    """Let a signal that would end this process at once leave no program running and no file behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda received, _: sys.exit(128 + received))


def _say_usage(error: Any) -> None:
    """One line; or, where nothing was asked, the help."""
    message = error.format_message()
    if "\n" in message:
        console.print(message, markup=False, highlight=False)
        return
    command = error.ctx.command_path if error.ctx else "lic-bench"
    text = f"lic-bench: {message.rstrip('.')}. See `{command} --help`."
    errors.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
