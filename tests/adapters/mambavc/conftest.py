"""Inputs for the tests of the scan, and memory in which nothing looks written by chance."""

import pytest
import torch


def make_inputs(height, width, channels=5, rank=2, states=3, batch=1, dtype=torch.float64, bias=-2.0, seed=0):
    """The arguments of selective_scan; A as after training, not exactly minus whole numbers."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    tensors = [
        normal(batch, height, width, channels),
        normal(4, rank + 2 * states, channels) / channels**0.5,
        normal(4, channels, rank) / rank**0.5,
        normal(4, channels) + bias,
        torch.arange(1, states + 1).log() + 0.2 * normal(4 * channels, states),
        normal(4 * channels),
    ]
    return [tensor.to(dtype) for tensor in tensors]


@pytest.fixture(scope="session")
def inputs():
    """make_inputs itself."""
    return make_inputs


@pytest.fixture(autouse=True, scope="module")
def _nan_in_fresh_memory(nan_in_fresh_memory):
    with nan_in_fresh_memory():
        yield
