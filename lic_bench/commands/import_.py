"""`lic-bench import`: points that others measured, for reports beside runs."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from lic_bench.commands import completion
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.terminal.output import console, errors

Files = Annotated[
    list[Path],
    Argument(help="CompressAI's result files, CSV files of points, or folders of them.", metavar="FILE", **opt.FILE),
]
Out = Annotated[Path, Option(help="A new folder, which `report` then takes beside runs.", **opt.PATH)]
Dataset = Annotated[
    str | None,
    Option(help="What all was measured on, instead of what the files say.", **offering(completion.dataset_names)),
]
MeasuredBy = Annotated[str | None, Option(metavar="TEXT", help="Who measured it, and on what, in words.")]


def import_points(
    files: Files, out: Out = Path("results/imported"), dataset: Dataset = None, measured_by: MeasuredBy = None
) -> None:
    """Read points of CompressAI's result files or of CSV files into a folder for reports. Means only, of no images."""
    from lic_bench.report.exchange.importing import import_files
    from lic_bench.report.exchange.point_values import unknown_values

    curves = import_files(files, out, dataset=dataset, measured_by=measured_by)
    for curve in curves:
        console.say(f"{curve.label}: {len(curve.points)} points on {curve.dataset}")
    if others := unknown_values(point for curve in curves for point in curve.points):
        errors.say(f"Kept, but no report shows them: {', '.join(others)}")
    console.say(f"Means only, without single images. Next: lic-bench report RUN {out}")
