"""The options of `lic-bench run` and `scale`, and the check that each is in its range."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lic_bench.errors import UserError, unknown
from lic_bench.store.run_folder import ALLOWED


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `lic-bench run` as they were given; None where the default depends on others."""

    codecs: str
    out: Path
    datasets: str = ""
    data_root: Path | None = None
    checkpoints: Path | None = None
    weights: str | None = None
    qualities: Sequence[str] = ()
    limit: int | None = None
    crop: int | None = None
    measure: str = "all"
    device: str = "auto"
    repeats: int | None = None
    budget: float | None = None
    starts: int | None = None
    threads: int | None = None
    vtm_root: Path | None = None
    vtm_colour: str | None = None
    jobs: int | None = None
    isolate: bool | None = None
    timeout: float | None = None
    quick: bool = False
    fresh: bool = False
    retry_failed: bool = False
    allow: Sequence[str] = ()


def check_ranges(options: Options) -> None:
    """Raise UserError for a number that is too small, and for an unknown name in --allow."""
    for name in ("limit", "crop", "repeats", "starts", "threads", "jobs"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UserError(f"--{name} {value}: at least 1.")
    for name in ("timeout", "budget"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise UserError(f"--{name} {value:g}: more than 0 seconds.")
    for name in options.allow:
        if name not in ALLOWED:
            raise unknown("--allow", name, ALLOWED)
