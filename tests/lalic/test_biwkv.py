"""Every BiWKV backend against the formula, written once as the reference and here once more as loops."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lalic.biwkv import BACKENDS, biwkv

FAST = sorted(set(BACKENDS) - {"reference"})
TOLERANCE = {torch.float64: 1e-11, torch.float32: 2e-5}


def inputs(tokens, channels=5, batch=2, dtype=torch.float64, decay=3.0, spread=1.0, seed=0):
    """w and u divided by T, as the network does; decays of both signs."""
    generator = torch.Generator().manual_seed(seed)
    w, u = (torch.randn(channels, generator=generator, dtype=torch.float64) for _ in range(2))
    k, v = (torch.randn(batch, tokens, channels, generator=generator, dtype=torch.float64) for _ in range(2))
    return [t.to(dtype) for t in (w * decay / tokens, u / tokens, k * spread, v)]


def by_loops(w, u, k, v, t):
    """y of token t of a single channel, in plain floats."""
    exponents = [u + k[i] if i == t else k[i] - (abs(t - i) - 1) * w for i in range(len(k))]
    peak = max(exponents)
    weights = [math.exp(e - peak) for e in exponents]
    return sum(weight * value for weight, value in zip(weights, v, strict=True)) / (sum(weights) + 1e-6)


def test_reference_is_the_formula():
    w, u, k, v = inputs(7, channels=1, batch=1)
    expected = [by_loops(w.item(), u.item(), k.flatten().tolist(), v.flatten().tolist(), t) for t in range(7)]
    torch.testing.assert_close(biwkv(w, u, k, v, "reference").flatten(), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("tokens", [1, 2, 31, 33, 1000])
def test_backend_is_the_reference(backend, dtype, tokens):
    w, u, k, v = inputs(tokens)
    expected = biwkv(w, u, k, v, "reference")
    got = biwkv(*(t.to(dtype) for t in (w, u, k, v)), backend)
    assert got.dtype == dtype
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("decay", [-3000.0, -30.0, 0.0, 30.0, 1e5])
def test_strong_decay_of_either_sign(backend, decay):
    w, u, k, v = inputs(100)
    w = torch.full_like(w, decay / 100)
    torch.testing.assert_close(
        biwkv(w, u, k, v, backend), biwkv(w, u, k, v, "reference"), rtol=0, atol=TOLERANCE[torch.float64]
    )


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("spread", [100.0, 1e4])
def test_large_keys_neither_overflow_nor_vanish(backend, spread):
    w, u, k, v = inputs(100, spread=spread)
    got = biwkv(*(t.float() for t in (w, u, k, v)), backend)
    assert got.isfinite().all()
    expected = biwkv(*(t.float().double() for t in (w, u, k, v)), "reference")
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=spread * 1e-6)


@pytest.mark.parametrize("backend", FAST)
def test_gradients_are_those_of_the_reference(backend):
    gradients = []
    for name in (backend, "reference"):
        leaves = [t.requires_grad_() for t in inputs(37)]
        (biwkv(*leaves, name) * torch.linspace(-1, 1, 37, dtype=torch.float64)[:, None]).sum().backward()
        gradients.append([leaf.grad for leaf in leaves])
    for got, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("backend", FAST)
def test_strided_input(backend):
    w, u, k, v = inputs(40)
    strided = k.transpose(1, 2).contiguous().transpose(1, 2)
    torch.testing.assert_close(biwkv(w, u, strided, v, backend), biwkv(w, u, k, v, backend))


many = st.fixed_dictionaries(
    {
        "tokens": st.integers(1, 70),
        "channels": st.integers(1, 3),
        "decay": st.floats(-50, 50),
        "spread": st.floats(0, 30),
        "seed": st.integers(0, 1000),
    }
)


@pytest.mark.parametrize("backend", sorted(BACKENDS))
@given(case=many)
@settings(max_examples=40, deadline=None)
def test_properties(backend, case):
    w, u, k, v = inputs(**case)
    y = biwkv(w, u, k, v, backend)
    # reversing the tokens reverses the result
    torch.testing.assert_close(biwkv(w, u, k.flip(1), v.flip(1), backend).flip(1), y, rtol=0, atol=1e-9)
    # a constant added to k cancels, the epsilon included, for it is relative to the peak
    torch.testing.assert_close(biwkv(w, u, k + 5.0, v, backend), y, rtol=0, atol=1e-9)
    # linear in v, and a mean of v up to the epsilon
    torch.testing.assert_close(biwkv(w, u, k, -2 * v, backend), -2 * y, rtol=0, atol=1e-9)
    ones = biwkv(w, u, k, torch.ones_like(v), backend)
    assert ((ones > 1 - 1.1e-6) & (ones < 1)).all()


def test_unknown_backend_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'fast'.*auto, reference, torch"):
        biwkv(*inputs(3), backend="fast")
