"""The options of `lic-bench train`, and that each is in its range."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lic_bench.errors import UserError, unknown
from lic_bench.training.recipe import BATCH, CROP, LEARNING_RATE, METRICS

PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}  # -> Fabric's name
ALLOWED = ("commit", "data")
SAVE_EVERY_S, WORKERS = 300.0, 2
MULTIPLE = 64  # of the side of crops, which networks need
MS_SSIM_SIDE = 161  # the least of pytorch-msssim with its five scales


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """The options of `lic-bench train` as they were given; None where the default depends on others or on the codec.

    batch: crops per step, of all processes together. start: weights to begin with. save_every: seconds.
    """

    codec: str
    data: Path
    out: Path | None = None
    quality: int | None = None
    lmbda: float | None = None
    metric: str | None = None
    steps: int | None = None
    crop: int = CROP
    batch: int = BATCH
    lr: float = LEARNING_RATE
    start: Path | None = None
    precision: str = "float32"
    device: str = "auto"
    threads: int | None = None
    workers: int = WORKERS
    seed: int = 0
    save_every: float = SAVE_EVERY_S
    fresh: bool = False
    allow: Sequence[str] = ()
    convert: bool = False


def check_options(options: TrainingOptions) -> None:
    """Raise UserError for a number out of its range and for an unknown name."""
    for option, least in (("steps", 1), ("batch", 1), ("threads", 1), ("workers", 0), ("seed", 0), ("save_every", 0)):
        value = getattr(options, option)
        if value is not None and not value >= least:
            raise UserError(f"--{option.replace('_', '-')} {value}: allowed is {least} or more.")
    for option in ("lr", "lmbda"):
        value = getattr(options, option)
        if value is not None and not 0 < value < float("inf"):
            raise UserError(f"--{option} {value}: allowed is a number above 0.")
    if options.crop < MULTIPLE or options.crop % MULTIPLE:
        raise UserError(f"--crop {options.crop}: allowed are multiples of {MULTIPLE}.")
    for name, value, known in (
        ("--metric", options.metric or METRICS[0], METRICS),
        ("--precision", options.precision, tuple(PRECISIONS)),
        *(("--allow", value, ALLOWED) for value in options.allow),
    ):
        if value not in known:
            raise unknown(name, value, known)
    if options.metric == "ms-ssim" and options.crop < MS_SSIM_SIDE:
        raise UserError(
            f"--crop {options.crop}: MS-SSIM with five scales needs crops of {MS_SSIM_SIDE} pixels or more."
        )
