"""Inputs for the tests of BiWKV, and memory in which nothing looks written by chance."""

import pytest
import torch


def make_inputs(tokens, channels=5, batch=2, dtype=torch.float64, decay=3.0, spread=1.0, seed=0, device="cpu"):
    """w, u, k, v with w and u divided by T, as the network does; decays of both signs."""
    generator = torch.Generator().manual_seed(seed)
    w, u = (torch.randn(channels, generator=generator, dtype=torch.float64) for _ in range(2))
    k, v = (torch.randn(batch, tokens, channels, generator=generator, dtype=torch.float64) for _ in range(2))
    return [t.to(device, dtype) for t in (w * decay / tokens, u / tokens, k * spread, v)]


@pytest.fixture(scope="session")
def inputs():
    """make_inputs itself."""
    return make_inputs


@pytest.fixture(autouse=True, scope="module")
def _nan_in_fresh_memory(nan_in_fresh_memory):
    with nan_in_fresh_memory():
        yield
