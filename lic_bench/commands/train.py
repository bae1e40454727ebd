"""`lic-bench train`: train a learned codec on a folder of pictures."""

from __future__ import annotations

from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from lic_bench.commands import completion
from lic_bench.commands import options as opt
from lic_bench.commands.completion import offering
from lic_bench.commands.exit_codes import INTERRUPTED
from lic_bench.errors import UserError
from lic_bench.system import stop_signals
from lic_bench.terminal.output import console, errors
from lic_bench.training.options import ALLOWED, PRECISIONS, SAVE_EVERY_S, WORKERS
from lic_bench.training.recipe import BATCH, CROP, LEARNING_RATE, METRICS

if TYPE_CHECKING:
    from lic_bench.training.options import TrainingOptions

Codec = Annotated[
    str,
    Argument(
        help="A learned codec (lic-bench list codecs), or package.module:factory.",
        **offering(completion.learned_codecs),
    ),
]
Data = Annotated[Path, Option(help="Folder of pictures, of any nesting.", **opt.PATH)]
Out = Annotated[
    Path | None,
    Option(
        help="Folder of this training; the same command again goes on with it. [default: results/train/CODEC-qN]",
        **opt.PATH,
    ),
]
Quality = Annotated[int | None, Option(help="Which of the codec's qualities: it names the weights, and the lambda.")]
Lmbda = Annotated[float | None, Option(help="Trade-off of the loss, in place of that of the quality.")]
Metric = Annotated[
    str | None,
    Option(
        help="Distortion of the loss: mse or ms-ssim. [default: what the codec's weights are made for]",
        **offering(lambda: METRICS),
    ),
]
Steps = Annotated[int | None, Option(help="Steps of all three stages together. [default: 48 epochs]")]
Crop = Annotated[int, Option(help="Side of the crops in pixels; the last stage has crops of twice that.")]
Batch = Annotated[int, Option(help="Crops per step, of all processes together.")]
Rate = Annotated[float, Option("--lr", help="Adam's learning rate; a tenth of it in the last two stages.")]
Start = Annotated[
    Path | None, Option("--from", help="Weights to begin with, as to tune for another lambda.", **opt.PATH)
]
Precision = Annotated[
    str, Option(help="float32, or bf16 for products and convolutions.", **offering(lambda: PRECISIONS))
]
Workers = Annotated[int, Option(help="Processes that read pictures and cut crops; 0: none.")]
Seed = Annotated[int, Option(help="Of fresh weights, crops and noise.")]
SaveEvery = Annotated[float, Option(help="Seconds between two states; what comes after the last is lost at a kill.")]
Fresh = Annotated[bool, Option("--fresh", help="Set an earlier training in --out aside and begin anew.")]
Allow = Annotated[
    list[str] | None,
    Option(
        metavar="NAME",
        help="commit, data: go on although the code or the pictures have changed.",
        **offering(lambda: ALLOWED),
    ),
]


def train(
    codec: Codec,
    data: Data,
    out: Out = None,
    quality: Quality = None,
    lmbda: Lmbda = None,
    metric: Metric = None,
    steps: Steps = None,
    crop: Crop = CROP,
    batch: Batch = BATCH,
    lr: Rate = LEARNING_RATE,
    start: Start = None,
    precision: Precision = "float32",
    device: opt.Device = "auto",
    threads: opt.Threads = None,
    workers: Workers = WORKERS,
    seed: Seed = 0,
    save_every: SaveEvery = SAVE_EVERY_S,
    fresh: Fresh = False,
    allow: Allow = None,
    convert: opt.Convert = False,
    plugin: opt.Plugins = None,
) -> None:
    """Train a learned codec on a folder of pictures; what comes out is what `run --checkpoints` reads."""
    given = locals()
    if find_spec("lightning_fabric") is None:
        raise UserError("`lic-bench train` needs Lightning Fabric: pip install 'lic-bench[train]'.")
    from lic_bench.training.options import TrainingOptions

    weights = _train(opt.fill(TrainingOptions, given), plugin)
    if weights is not None:
        console.say(f"Weights: {weights}")
        console.say(f"Next: lic-bench run --codecs {codec} --checkpoints {weights.parent} --out results/run")


def _train(options: TrainingOptions, plugins: list[Path] | None) -> Path | None:
    from lic_bench.terminal.training_progress import TrainingProgress
    from lic_bench.training.training_run import train

    opt.add_plugins(plugins)  # after torch: what a plugin changes there is changed back
    try:
        stop_signals.raise_again()  # torch was imported just now, which swallows signals
        with closing(TrainingProgress(console)) as progress:
            return train(options, progress)
    except KeyboardInterrupt:
        errors.say("lic-bench: stopped; the same command goes on from the last state that was saved.")
        raise typer.Exit(INTERRUPTED) from None
