"""Every BiWKV backend against the formula, written once as the reference and here once more as loops."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lalic.biwkv import BACKENDS, biwkv

GPU = {"cuda": pytest.mark.gpu}
ALL = [pytest.param(name, marks=GPU.get(name, ())) for name in sorted(BACKENDS)]
FAST = [pytest.param(name, marks=GPU.get(name, ())) for name in sorted(set(BACKENDS) - {"reference"})]
TOLERANCE = {torch.float64: 1e-11, torch.float32: 2e-5}


def on_its_device(backend, tensors):
    return [t.to("cuda" if backend == "cuda" else "cpu") for t in tensors]


def run(backend, tensors):
    """biwkv on the backend's device and in the widest type that it takes; the result in float64 on the CPU."""
    return biwkv(*on_its_device(backend, [t.to(precision(backend)) for t in tensors]), backend).cpu().double()


def precision(backend):
    return torch.float64 if torch.float64 in BACKENDS[backend].dtypes else torch.float32


def tolerance(backend):
    return TOLERANCE[precision(backend)]


def by_loops(w, u, k, v, t):
    """y of token t of a single channel, in plain floats."""
    exponents = [u + k[i] if i == t else k[i] - (abs(t - i) - 1) * w for i in range(len(k))]
    peak = max(exponents)
    weights = [math.exp(e - peak) for e in exponents]
    return sum(weight * value for weight, value in zip(weights, v, strict=True)) / (sum(weights) + 1e-6)


def test_reference_is_the_formula(inputs):
    w, u, k, v = inputs(7, channels=1, batch=1)
    expected = [by_loops(w.item(), u.item(), k.flatten().tolist(), v.flatten().tolist(), t) for t in range(7)]
    torch.testing.assert_close(biwkv(w, u, k, v, "reference").flatten(), torch.tensor(expected, dtype=torch.float64))


def test_reference_gradients_are_the_derivatives(inputs):
    leaves = [t.requires_grad_() for t in inputs(13)]
    assert torch.autograd.gradcheck(lambda *x: biwkv(*x, "reference"), leaves, atol=1e-5)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("tokens", "channels"), [(1, 5), (2, 40), (31, 5), (33, 40), (127, 40), (1000, 5)])
def test_backend_is_the_reference(inputs, backend, dtype, tokens, channels):
    if dtype not in BACKENDS[backend].dtypes:
        pytest.skip(f"{backend} takes no {dtype}")
    tensors = inputs(tokens, channels)
    got = biwkv(*on_its_device(backend, [t.to(dtype) for t in tensors]), backend)
    assert got.dtype == dtype
    torch.testing.assert_close(got.cpu().double(), biwkv(*tensors, "reference"), rtol=0, atol=TOLERANCE[dtype])


@pytest.fixture(scope="module")
def many_tokens(inputs):
    tensors = inputs(6144, channels=1, batch=1)
    return tensors, biwkv(*tensors, "reference")


@pytest.mark.parametrize("backend", FAST)
def test_many_tokens(many_tokens, backend):
    tensors, expected = many_tokens
    torch.testing.assert_close(run(backend, tensors), expected, rtol=0, atol=tolerance(backend))


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("boost", [0.0, 40.0, -40.0])
@pytest.mark.parametrize("decay", [-3000.0, -30.0, 0.0, 30.0, 1e5])
def test_strong_decay_and_boost_of_either_sign(inputs, backend, decay, boost):
    w, u, k, v = inputs(300, channels=2)
    w[0], u[1] = decay / 100, boost
    expected = biwkv(w, u, k, v, "reference")
    torch.testing.assert_close(run(backend, (w, u, k, v)), expected, rtol=0, atol=2 * tolerance(backend))


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("spread", [100.0, 1e4])
def test_large_keys_neither_overflow_nor_vanish(inputs, backend, spread):
    tensors = [t.float() for t in inputs(300, spread=spread)]
    got = biwkv(*on_its_device(backend, tensors), backend).cpu()
    assert got.isfinite().all()
    expected = biwkv(*(t.double() for t in tensors), "reference")
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=spread * 1e-6)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("where", ["k", "v"])
def test_nan_reaches_the_tokens_that_receive_it(inputs, backend, where):
    w, u, k, v = inputs(200)
    (k if where == "k" else v)[0, 100, 2] = math.nan
    y = run(backend, (w, u, k, v))
    assert y[0, :, 2].isnan().all()
    assert not y[1].isnan().any()
    assert not y[0, :, :2].isnan().any()


@pytest.mark.parametrize("backend", FAST)
def test_keys_of_minus_infinity_give_nothing(inputs, backend):
    w, u, k, v = inputs(600, channels=2)
    without = k.clone()
    k[:, 128:400], without[:, 128:400] = -math.inf, -1000.0
    torch.testing.assert_close(run(backend, (w, u, k, v)), run(backend, (w, u, without, v)))


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("decay", [3.0, 400.0, -400.0])
@pytest.mark.parametrize("tokens", [1, 2, 31, 33, 200, 1000])
def test_gradients_are_those_of_the_reference(inputs, backend, tokens, decay):
    gradients = []
    for name in (backend, "reference"):
        tensors = inputs(tokens, decay=decay)
        if name == backend:
            tensors = on_its_device(backend, [t.to(precision(backend)) for t in tensors])
        leaves = [t.requires_grad_() for t in tensors]
        slope = torch.linspace(-1, 1, tokens, dtype=leaves[2].dtype, device=leaves[2].device)[:, None]
        (biwkv(*leaves, name) * slope).sum().backward()
        gradients.append([leaf.grad.cpu().double() for leaf in leaves])
    for got, expected in zip(*gradients, strict=True):
        scale = max(expected.abs().max().item(), 1)
        torch.testing.assert_close(got, expected, rtol=0, atol=10 * tolerance(backend) * scale)


@pytest.mark.parametrize("backend", FAST)
def test_gradients_of_many_tokens(inputs, backend):
    gradients = []
    for name in (backend, "torch"):
        leaves = [t.requires_grad_() for t in inputs(6144, channels=3, batch=1)]
        y = biwkv(*on_its_device(name, [t.to(precision(name)) for t in leaves]), name)
        (y * torch.linspace(-1, 1, 6144, device=y.device)[:, None]).sum().backward()
        gradients.append([leaf.grad for leaf in leaves])
    for got, expected in zip(*gradients, strict=True):
        scale = max(expected.abs().max().item(), 1)
        torch.testing.assert_close(got, expected, rtol=0, atol=10 * tolerance(backend) * scale)


@pytest.mark.parametrize("backend", FAST)
def test_strided_input(inputs, backend):
    w, u, k, v = inputs(40)
    strided = k.transpose(1, 2).contiguous().transpose(1, 2)
    torch.testing.assert_close(run(backend, (w, u, strided, v)), run(backend, (w, u, k, v)))


@pytest.mark.parametrize("backend", ALL)
def test_the_same_bits_every_time(inputs, backend):
    tensors = inputs(500)
    first = run(backend, tensors)
    assert all(torch.equal(run(backend, tensors), first) for _ in range(3))


many = st.fixed_dictionaries(
    {
        "tokens": st.integers(1, 70),
        "channels": st.integers(1, 3),
        "decay": st.floats(-50, 50),
        "spread": st.floats(0, 30),
        "seed": st.integers(0, 1000),
    }
)


@pytest.mark.parametrize("backend", ALL)
@given(case=many)
@settings(max_examples=40, deadline=None)
def test_properties(inputs, backend, case):
    w, u, k, v = inputs(**case)
    limit = 1e-9 if precision(backend) == torch.float64 else 1e-4
    y = run(backend, (w, u, k, v))
    # reversing the tokens reverses the result
    torch.testing.assert_close(run(backend, (w, u, k.flip(1), v.flip(1))).flip(1), y, rtol=0, atol=limit)
    # a constant added to k cancels, the epsilon included, for it is relative to the peak
    torch.testing.assert_close(run(backend, (w, u, k + 5.0, v)), y, rtol=0, atol=limit)
    # linear in v, and a mean of v up to the epsilon
    torch.testing.assert_close(run(backend, (w, u, k, -2 * v)), -2 * y, rtol=0, atol=limit)
    ones = run(backend, (w, u, k, torch.ones_like(v)))
    assert ((ones > 1 - 1.1e-6 - limit) & (ones < 1 + limit)).all()
