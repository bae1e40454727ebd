"""From the options of `lic-bench train` to a checked plan: which network, which pictures, which steps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from lic_bench.codecs.checkpoint_file import read_checkpoint
from lic_bench.codecs.checkpoints import sha256_of, trained_name
from lic_bench.codecs.registry import check_installed, resolve_codec
from lic_bench.errors import UserError
from lic_bench.machine.software import git_commit
from lic_bench.spec import CodecSpec, Metric
from lic_bench.training.options import TrainingOptions, check_options
from lic_bench.training.pictures import PictureFolder, find_pictures, smaller_than
from lic_bench.training.recipe import Stage, lambda_of, stages
from lic_bench.training.training_folder import TrainingFolder


@dataclass(frozen=True)
class Plan:
    """A training that can begin. lmbda: of the loss. out: the training's folder; folder: it, once it is claimed."""

    options: TrainingOptions
    spec: CodecSpec
    quality: int
    lmbda: float
    metric: Metric
    pictures: PictureFolder
    stages: tuple[Stage, ...]
    out: Path
    folder: TrainingFolder | None = None

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def weights_name(self) -> str:
        """The name of the file that the training writes, by which `--checkpoints` finds it."""
        return trained_name(self.spec, self.quality)

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """What decides the weights, in plain JSON values: a training goes on with the same, or not at all."""
        options = self.options
        return {
            "codec": self.spec.name,
            "quality": self.quality,
            "lmbda": self.lmbda,
            "metric": self.metric,
            "stages": [asdict(stage) for stage in self.stages],
            "batch": options.batch,
            "seed": options.seed,
            "precision": options.precision,
            "start_sha256": sha256_of(options.start) if options.start else None,
            "data_sha256": self.pictures.sha256,
            "pictures": len(self.pictures.pictures),
            "convert": options.convert or None,
            "commit": git_commit(),
        }

    def notes(self) -> list[str]:
        """What the user should know of the pictures."""
        left_out, pictures = self.pictures.left_out, self.pictures.pictures
        loss = f"lambda {self.lmbda:g} ({self.metric})"
        notes = [
            f"{self.spec.name}, quality {self.quality}: {loss}, {self.steps} steps, in {self.out}",
            f"{len(pictures)} pictures in {self.pictures.folder}",
        ]
        if left_out:
            notes.append(f"{len(left_out)} files left out, the first: {left_out[0]}")
        for side in dict.fromkeys(stage.crop for stage in self.stages):
            if small := smaller_than(pictures, side):
                notes.append(f"{small} pictures are smaller than {side}x{side} and give no crop of that size")
        return notes


def make_plan(options: TrainingOptions) -> Plan:
    """Check everything that can be checked before the first step. Raises UserError for bad input."""
    spec = resolve_codec(options.codec)
    if spec.variants:
        raise UserError(f"Codec {spec.name!r}: its weights are {spec.base}'s; train that.")
    if spec.kind != "learned":
        raise UserError(f"Codec {spec.name!r} is a {spec.kind} codec: it has no weights to train.")
    options = replace(options, metric=options.metric or spec.optimised_for)
    check_options(options)
    check_installed(spec)
    quality = _quality(spec, options.quality)
    if options.start:
        read_checkpoint(options.start)  # raises what is wrong with it
    metric = cast(Metric, options.metric)
    pictures = find_pictures(options.data, convert=options.convert)
    plan = Plan(
        options=options,
        spec=spec,
        quality=quality,
        lmbda=options.lmbda or lambda_of(spec, quality, metric),
        metric=metric,
        pictures=pictures,
        stages=stages(len(pictures.of_side(options.crop)), options.batch, options.crop, options.lr, options.steps),
        out=options.out or Path("results/train") / Path(trained_name(spec, quality)).stem,
    )
    for stage in plan.stages:
        pictures.of_side(stage.crop)
    return plan


def _quality(spec: CodecSpec, given: int | None) -> int:
    if given is None and len(spec.qualities) > 1:
        raise UserError(
            f"--quality is missing: {spec.name} has {spec.allowed_text()}; it names the weights and lambda."
        )
    quality = spec.qualities[0] if given is None else given
    spec.check_quality(quality)
    return quality
