import numpy as np
import pytest
import torch
from torch import Tensor

from lic_bench.measurement.perceptual.dists import STAGES, Dists, pooled, similarities

CHANNELS = (3, 64, 128, 256, 512, 512)


def random_dists() -> Dists:
    """With seeded weights, that let a signal pass."""
    random = torch.Generator().manual_seed(0)
    convolutions: list[Tensor] = []
    before = 3
    for stage, count in enumerate(STAGES, start=1):
        for _ in range(count):
            scale = (2 / (9 * before)) ** 0.5
            convolutions.append(scale * torch.randn(CHANNELS[stage], before, 3, 3, generator=random))
            convolutions.append(torch.zeros(CHANNELS[stage]))
            before = CHANNELS[stage]
    alpha, beta = (torch.rand(1, sum(CHANNELS), 1, 1, generator=random) for _ in range(2))
    return Dists(convolutions, alpha, beta)


def test_a_symmetric_distance_that_grows_with_the_noise() -> None:
    dists, x = random_dists(), torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    near, far = x + 0.01 * noise, x + 0.1 * noise
    assert float(dists(x, x)) == pytest.approx(0, abs=1e-5)
    assert 1e-5 < float(dists(x, near)) < float(dists(x, far)) < 1
    assert float(dists(x, far)) == pytest.approx(float(dists(far, x)), rel=1e-4)


def test_activations_are_the_picture_and_five_stages() -> None:
    shapes = [tuple(a.shape[1:]) for a in random_dists().activations(torch.rand(1, 3, 32, 48))]
    assert shapes == [(3, 32, 48), (64, 32, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6), (512, 2, 3)]


def test_similarities_by_hand() -> None:
    x, y = torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 2), torch.tensor([2.0, 8.0]).reshape(1, 1, 1, 2)
    means, textures = similarities(x, y)  # means 2 and 5, variances 1 and 9, covariance 3
    assert means.item() == pytest.approx((2 * 2 * 5) / (4 + 25))
    assert textures.item() == pytest.approx(2 * 3 / (1 + 9))


def test_pooling_keeps_a_constant_inside() -> None:
    inside = pooled(torch.full((1, 2, 8, 8), 0.7))[:, :, 1:, 1:]
    assert inside.numpy() == pytest.approx(np.full((1, 2, 3, 3), 0.7))
