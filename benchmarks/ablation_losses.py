"""The rate-distortion loss of trained ablations on test images: the column "Loss" of LALIC's Table 3.

`python benchmarks/ablations.py --trained FOLDER` prints it. FOLDER holds what `lic-bench train` left of a codec and its
variants (CODEC-aft, CODEC-aft-shift, ...), one or more qualities each. The loss is that of training,
lambda * 255^2 * MSE + bpp, in evaluation mode: y and z rounded, whole images, mean over the images. Rows are comparable
where lambda and steps are equal. The paper says neither its lambda nor its test images: its figures show an order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import torch
from rich.table import Table

from lalic.ablations import ABLATIONS, RELEASED
from lic_bench.codecs.checkpoint_file import read_checkpoint
from lic_bench.codecs.checkpoints import find_checkpoints
from lic_bench.codecs.loading import load_model
from lic_bench.codecs.padding import pad
from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError
from lic_bench.images.image_file import Image, read_image
from lic_bench.spec import Padding
from lic_bench.training.loss import rate_distortion


@dataclass(frozen=True, slots=True)
class TestLoss:
    """Of one trained network: mean over the images. steps: of its training."""

    ablation: str
    codec: str
    quality: int
    lmbda: float
    steps: int
    loss: float


def test_losses(codec: str, folder: Path, images: Sequence[Image]) -> Iterator[TestLoss]:
    """One for each ablation and quality of `codec` that has been trained."""
    for ablation, row in ABLATIONS.items():
        if row.table == 2 and codec != "lalic":
            continue  # its rows are of the released network's depths
        name = codec if row.config == RELEASED else f"{codec}-{ablation}"
        try:
            spec = resolve_codec(name)
        except UserError:
            continue  # not every network has every variant
        for quality, file in find_checkpoints(replace(spec, shipped=None), [folder]).items():
            facts = read_checkpoint(file)
            if facts.get("metric") != "mse":
                continue  # not of `lic-bench train`, or trained for another loss
            lmbda, network = float(facts["lmbda"]), load_model(name, quality, file)
            loss = fmean(_loss(network, image, spec.padding, lmbda) for image in images)
            yield TestLoss(ablation, name, quality, lmbda, int(facts["steps"]), loss)


@torch.no_grad()
def _loss(network: torch.nn.Module, image: Image, padding: Padding | None, lmbda: float) -> float:
    pixels = torch.from_numpy(read_image(image)).permute(2, 0, 1)[None].float() / 255
    padded = pixels if padding is None else pad(pixels, padding)
    return rate_distortion(network(padded), padded, lmbda, "mse").total.item()


def losses_table(losses: Sequence[TestLoss]) -> Table:
    """Rows in the order of the paper's tables."""
    table = Table(title="Test R-D loss of trained networks", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in ("row", "codec", "lambda", "steps", "loss", "paper: loss", "BD-rate %"):
        table.add_column(heading, justify="left" if heading in ("row", "codec") else "right", no_wrap=True)
    for row in losses:
        paper = ABLATIONS[row.ablation]
        printed = f"{paper.loss:.4f}" if paper.loss else "", "" if paper.bd_rate is None else f"{paper.bd_rate:.2f}"
        numbers = f"{row.lmbda:g}", f"{row.steps:,}", f"{row.loss:.4f}"
        table.add_row(paper.label, f"{row.codec} q{row.quality}", *numbers, *printed)
    return table
