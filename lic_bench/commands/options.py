"""The options of the commands, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Codecs = Annotated[
    str, typer.Option(help="Codecs, separated by commas (lic-bench list codecs), or package.module:factory.")
]
RunFolder = Annotated[Path, typer.Option(help="Folder of this run; the same command again resumes it.")]
Datasets = Annotated[str, typer.Option(help="Data sets or folders of images, separated by commas.")]
DataRoot = Annotated[Path | None, typer.Option(help="Folder that holds kodak/, clic/, tecnick/.")]
Checkpoints = Annotated[Path | None, typer.Option(help="Folder that holds the authors' weights.")]
Weights = Annotated[str | None, typer.Option(help="auto: what is there; require: error if missing; random: none.")]
Qualities = Annotated[
    list[str] | None, typer.Option(help="1,3,5 or 1..6 for every codec, jpeg=30,50 for one; may be repeated.")
]
Limit = Annotated[int | None, typer.Option(help="Only the first N images of each data set.")]
Crop = Annotated[int | None, typer.Option(help="Only the central N x N pixels of each image.")]
Measure = Annotated[str, typer.Option(help="Of: quality, latency, phases, memory, complexity, all.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Repeats = Annotated[int | None, typer.Option(help="Samples of each time at least, within --budget. [default: 5]")]
Budget = Annotated[
    float | None, typer.Option(help="Seconds of samples of each time, after which there are no more. [default: 2]")
]
Starts = Annotated[
    int | None, typer.Option(help="Starts of each codec's process, after each of which times are taken. [default: 1]")
]
Threads = Annotated[int | None, typer.Option(help="CPU threads of the networks. [default: torch's]")]
VtmRoot = Annotated[Path | None, typer.Option(help="VTM's folder, with bin/ and cfg/. [default: $VTM_ROOT, PATH]")]
VtmColour = Annotated[
    str | None, typer.Option(help="What VTM codes: ycbcr10, ycbcr8, rgb or ycbcr8-truncated. [default: ycbcr10]")
]
Jobs = Annotated[
    int | None, typer.Option(help="Encoding programs at a time where no times are taken. [default: all cores]")
]
Isolate = Annotated[
    bool | None,
    typer.Option(
        "--isolate/--no-isolate", help="Each codec in a process of its own. [default: where latency or memory is taken]"
    ),
]
Timeout = Annotated[float | None, typer.Option(help="Seconds a codec may take for one image or turn. [default: 3600]")]
Sizes = Annotated[
    str, typer.Option(help="Sides of the square pictures in pixels: 256,384,512, or 256:2048 for doublings.")
]
MEMORY_SIZES = "8,12,16,24,48,80"
MemorySizes = Annotated[
    str, typer.Option(help="Sizes of memory in GiB for which the largest image is predicted, separated by commas.")
]
QuickScale = Annotated[bool, typer.Option("--quick", help="A first look: short warm-ups and few samples.")]
Quick = Annotated[bool, typer.Option("--quick", help="A first look: 2 images, 256 x 256 crops, short ladders.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Set an earlier run in --out aside and begin anew.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Measure failed records again.")]
AllowInRun = Annotated[
    list[str] | None,
    typer.Option("--allow", help="commit: go on with a run of another commit; its new records say of which they are."),
]
Plugins = Annotated[list[Path] | None, typer.Option(help="Folder of a codec of your own; may be repeated.")]
BaseRun = Annotated[str, typer.Argument(help="The run to compare with: a folder, or git:REV:FOLDER.")]
NewRun = Annotated[str, typer.Argument(help="The run that is compared: a folder, or git:REV:FOLDER.")]
Gate = Annotated[Path | None, typer.Option(help="TOML file of what may change by how much. [default: built in]")]
Allow = Annotated[
    list[str] | None,
    typer.Option(help="Compare although this differs, as machine; named in the output; may be repeated."),
]
AcceptedFile = Annotated[
    Path | None, typer.Option(help="TOML file of changes that were accepted. [default: results/accepted.toml]")
]
Confirm = Annotated[
    bool,
    typer.Option("--confirm", help="Measure times that one look does not settle again, BASE and NEW in turn."),
]
AgainBase = Annotated[
    str | None, typer.Option("--base-run", help="How --confirm runs BASE: 'PATH/lic-bench run OPTIONS'.")
]
AgainNew = Annotated[str | None, typer.Option("--new-run", help="How --confirm runs NEW, alike.")]
Markdown = Annotated[Path | None, typer.Option(help="Write a comment for a pull request to this file.")]
Json = Annotated[Path | None, typer.Option(help="Write everything to this file, for programs.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML to this file.")]
Github = Annotated[bool, typer.Option("--github", help="Print annotations for GitHub Actions too.")]
Everything = Annotated[bool, typer.Option("--all", help="A row for each number that is the same, too.")]
HistoryFolder = Annotated[Path | None, typer.Option(help="Folder of the history. [default: results/history]")]
HistoryRuns = Annotated[list[Path], typer.Argument(help="Folders of runs.")]
OfCodecs = Annotated[str | None, typer.Option(help="Only these codecs, separated by commas.")]
OfMetrics = Annotated[str | None, typer.Option(help="Only these metrics, separated by commas, as encode_s.")]
OfMachines = Annotated[str | None, typer.Option(help="Only these machines, separated by commas.")]
FigureFolder = Annotated[Path | None, typer.Option(help="Draw the series into this folder, as PNG and SVG.")]
EverySeries = Annotated[bool, typer.Option("--all", help="A row for each series without a step, too.")]
FailOnOpen = Annotated[
    bool, typer.Option("--fail-on-open", help="Exit with 1 where something got worse that nobody accepted or mended.")
]
