"""Stages and lambdas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError
from lic_bench.training.recipe import Stage, lambda_of, stages


def test_the_papers_recipe_on_its_400000_pictures() -> None:
    assert stages(400_000, 8, 256, 1e-4, None) == (
        Stage(2_000_000, 1e-4, 256),
        Stage(200_000, 1e-5, 256),
        Stage(200_000, 1e-5, 512),
    )


@given(steps=st.integers(1, 10**6))
def test_all_steps_are_shared_out(steps: int) -> None:
    shared = stages(100, 8, 64, 1e-4, steps)
    assert sum(stage.steps for stage in shared) == steps
    assert all(stage.steps > 0 for stage in shared)
    assert shared[0].rate == 1e-4


def test_lambdas_are_those_of_the_spec_then_of_the_paper() -> None:
    assert lambda_of(resolve_codec("lalic"), 1, "mse") == 0.0018
    assert lambda_of(resolve_codec("elic"), 6, "mse") == 0.045
    assert lambda_of(resolve_codec("elic"), 6, "ms-ssim") == 60.50
    assert lambda_of(resolve_codec("fat-msssim"), 6, "ms-ssim") == 60.5
    assert lambda_of(resolve_codec("fat-msssim"), 6, "mse") == 0.0483
    assert lambda_of(resolve_codec("lalic-aft"), 3, "mse") == 0.0067
    with pytest.raises(UserError, match=r"--quality 8: no lambda is known for mse .* add --lmbda"):
        lambda_of(resolve_codec("compressai.zoo:mbt2018_mean"), 8, "mse")
