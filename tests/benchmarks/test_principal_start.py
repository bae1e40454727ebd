"""Weights that begin with a principal component transform."""

from collections.abc import Callable
from math import isclose, log, log2
from types import ModuleType

import pytest
import torch
from torch import Tensor

from lalic.config import LalicConfig
from lalic.model import Lalic, build_small
from lic_bench.images.sample_pictures import draw_sample


@pytest.fixture(scope="module")
def crops() -> Tensor:
    """Of drawn pictures, [B, 3, 128, 128] in [0, 1]."""
    pictures = [torch.tensor(draw_sample(seed, 256, 256)).permute(2, 0, 1) for seed in range(6)]
    cut = [picture[:, y : y + 128, x : x + 128] for picture in pictures for y in (0, 128) for x in (0, 128)]
    return torch.stack(cut).float() / 255


def test_a_transform_with_room_for_all_components_loses_nothing(
    script: Callable[[str], ModuleType], crops: Tensor
) -> None:
    widths = (12, 48, 192, 768)
    model = Lalic(LalicConfig(widths=widths, depths=(1, 1, 1), hyper_widths=(2, 2), hyper_depth=1, groups=(2, 766)))
    script("principal_start").begin_with_components(model.g_a, model.g_s, crops, 0.1)
    with torch.no_grad():
        y = model.g_a(crops)
        torch.testing.assert_close(model.g_s(y), crops, atol=1e-4, rtol=0)
    assert y.mean((0, 2, 3)).abs().max() < 0.01 * y[:, 0].std()
    variances = y.var((0, 2, 3))
    assert bool((variances[:64].diff() < 1e-3 * variances[:63]).all()), "not the largest first"
    centred = crops - crops.mean((0, 2, 3), keepdim=True)
    assert y.pow(2).sum().item() == pytest.approx(centred.pow(2).sum().item() / 0.1**2, rel=0.2)  # orthonormal / step


def test_lalic_small_begins_better_than_fresh_weights_by_far(
    script: Callable[[str], ModuleType], crops: Tensor
) -> None:
    torch.manual_seed(0)
    model = build_small()
    module = script("principal_start")
    module.begin_with_components(model.g_a, model.g_s, crops, module.quantiser_step(0.013))
    with torch.no_grad():
        error = (model.g_s(model.g_a(crops).round()) - crops).pow(2).mean().item()
    assert error < 10 ** (-2.8)  # 28 dB


@pytest.mark.parametrize("lmbda", [0.0018, 0.013, 0.0483])
def test_the_step_is_where_the_loss_is_least(script: Callable[[str], ModuleType], lmbda: float) -> None:
    def loss(step: float) -> float:
        return lmbda * 255**2 * step**2 / 36 - log2(step)

    step = script("principal_start").quantiser_step(lmbda)
    assert loss(step) < min(loss(0.99 * step), loss(1.01 * step))
    assert isclose(step**2, 18 / (lmbda * 255**2 * log(2)))
