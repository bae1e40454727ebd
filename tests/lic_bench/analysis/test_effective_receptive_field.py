"""Of networks whose receptive fields are known."""

import numpy as np
import pytest
import torch
from torch import nn

from lic_bench.analysis.effective_receptive_field import input_gradients, receptive_fields, smallest_area

SIZE, CENTRE = 64, 32


class Transforms(nn.Module):
    """g_a: 5x5 then 3x3, h_a: 5x5, all with stride 2; all weights are positive, so that nothing cancels."""

    def __init__(self) -> None:
        super().__init__()
        self.g_a = nn.Sequential(_down(3, 4, 5), _down(4, 6, 3))
        self.h_a = _down(6, 2, 5)
        self.last = nn.Linear(7, 7)  # which would not take its input

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.h_a(self.g_a(x)))


def _down(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2)
    nn.init.uniform_(convolution.weight, 0.1, 1)
    return convolution


@pytest.fixture
def network() -> Transforms:
    torch.manual_seed(0)
    return Transforms().requires_grad_(False)


def test_the_support_is_the_theoretical_receptive_field(network: Transforms) -> None:
    fields = receptive_fields(network, {"g_a": network.g_a, "h_a": network.h_a}, torch.rand(2, 1, 3, SIZE, SIZE))
    for name, side in (("g_a", 5 + 2 * (3 - 1)), ("h_a", 5 + 2 * (3 - 1) + 4 * (5 - 1))):
        expected = np.zeros((SIZE, SIZE), bool)
        inside = slice(CENTRE - side // 2, CENTRE + side // 2 + 1)
        expected[inside, inside] = True
        assert ((fields[name] > 0) == expected).all(), name


def test_a_linear_transform_has_its_weights_as_field(network: Transforms) -> None:
    gradient = input_gradients(network, {"g_a": network.g_a[0]}, torch.rand(1, 3, SIZE, SIZE))["g_a"]
    weights = network.g_a[0].weight.sum((0, 1)).numpy()
    np.testing.assert_allclose(gradient[CENTRE - 2 : CENTRE + 3, CENTRE - 2 : CENTRE + 3], weights, rtol=1e-6)


def test_fields_are_means_over_images(network: Transforms) -> None:
    squares = nn.Sequential(Square(), network.g_a)
    images = torch.rand(3, 1, 3, SIZE, SIZE)
    alone = [receptive_fields(squares, {"g_a": squares}, image[None])["g_a"] for image in images]
    assert not np.allclose(alone[0], alone[1])
    np.testing.assert_allclose(receptive_fields(squares, {"g_a": squares}, images)["g_a"], np.mean(alone, axis=0))


class Square(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x


def test_smallest_area() -> None:
    field = np.zeros((10, 10))
    assert smallest_area(field, 0.9) == 0
    field[3, 4:6] = 9, 1
    assert smallest_area(field, 0.5) == 0.01
    assert smallest_area(field, 0.95) == 0.02
    assert smallest_area(np.ones((10, 10)), 0.895) == 0.9
