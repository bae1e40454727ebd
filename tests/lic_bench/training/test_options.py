"""Options out of their range."""

from pathlib import Path
from typing import Any

import pytest

from lic_bench.errors import UserError
from lic_bench.training.options import TrainingOptions, check_options


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "--steps 0: allowed is 1 or more"),
        ({"workers": -1}, "--workers -1: allowed is 0 or more"),
        ({"save_every": float("nan")}, "--save-every nan: allowed is 0 or more"),
        ({"lr": 0.0}, "--lr 0.0: allowed is a number above 0"),
        ({"lmbda": float("inf")}, "--lmbda inf: allowed is a number above 0"),
        ({"crop": 100}, "--crop 100: allowed are multiples of 64"),
        ({"metric": "msssim"}, "Did you mean 'ms-ssim'"),
        ({"metric": "ms-ssim", "crop": 128}, "needs crops of 161 pixels or more"),
        ({"precision": "fp16"}, "Known: bf16, float32"),
        ({"allow": ["date"]}, "Did you mean 'data'"),
    ],
)
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_options(TrainingOptions(codec="lalic", data=Path(), **change))


def test_the_defaults_are_fine() -> None:
    check_options(TrainingOptions(codec="lalic", data=Path()))
