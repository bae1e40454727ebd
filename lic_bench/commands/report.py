"""`lic-bench report`: tables, figures and one HTML page from stored runs."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from lic_bench.commands import completion
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.defaults import ANCHOR
from lic_bench.system.option_lists import split_list
from lic_bench.terminal.output import console

Runs = Annotated[
    list[Path] | None, Argument(help="Folders of runs, and of imported points, beside each other.", **opt.RUN)
]
Out = Annotated[Path, Option(help="Folder for the tables, figures and index.html.", **opt.PATH)]
Published = Annotated[
    str,
    Option(help="Published curves: all, paper, none, or slugs with commas.", **offering(completion.published_curves)),
]
Reference = Annotated[
    str,
    Option(
        help="This project's own runs (results/measured) beside them: all, none, or names.",
        **offering(completion.reference_runs),
    ),
]
Anchor = Annotated[
    str,
    Option(
        help="Anchor of the BD-rates: a codec, measured:codec or published:codec; of several, the first comparable.",
        **offering(completion.codec_names),
    ),
]
Metric = Annotated[
    str | None,
    Option(
        help="Perceptual metrics to show in full, or jpeg-ai for its seven.", **offering(completion.perceptual_metrics)
    ),
]
Method = Annotated[str, Option(help="Interpolation: pchip, cubic or akima.", **offering(completion.bd_rate_methods))]
CommonWindow = Annotated[
    bool, Option("--common-window", help="BD-rates of a data set over the quality that all shown curves reach.")
]

Formats = Annotated[
    str,
    Option(
        help="What to write: tables as md, csv, tex; html, tables and the page; figures as svg, pdf, png.",
        **offering(completion.report_formats),
    ),
]


def report(
    runs: Runs = None,
    out: Out = Path("report"),
    published: Published = "paper",
    reference: Reference = "all",
    anchor: Anchor = ANCHOR,
    method: Method = "pchip",
    common_window: CommonWindow = False,
    metric: Metric = None,
    memory_sizes: opt.MemorySizes = opt.MEMORY_SIZES,
    formats: Formats = "md,csv,tex,html,svg,pdf,png",
) -> None:
    """Write tables (Markdown, CSV, LaTeX, HTML), figures and one self-contained index.html."""
    from lic_bench.report.tables.scaling_tables import parse_memory_sizes
    from lic_bench.report.write_report import write_report

    written = write_report(
        runs or [],
        out,
        published=published,
        reference=reference,
        anchor=anchor,
        method=method,
        common_window=common_window,
        metric=metric,
        memory_gib=parse_memory_sizes(memory_sizes),
        formats=split_list(formats, "--formats"),
    )
    written.show(console)
    console.say(f"Report: {written.index}")
