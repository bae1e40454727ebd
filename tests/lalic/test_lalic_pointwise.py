"""The compiled in-place operators against torch's own, at sizes around a vector and a task."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.library import opcheck

from lalic.pointwise import KERNELS, gate, gate_, residual, squared_relu, squared_relu_
from native import INSTRUCTION_SETS

SIZES = st.sampled_from([1, 3, 7, 8, 15, 16, 17, 63, 4095, 4096, 4097, 9000])
DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@given(size=SIZES, spread=st.sampled_from([0.1, 1.0, 30.0, 1000.0]), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_gate_is_sigmoid_times_x(dtype, size, spread, seed):
    torch.manual_seed(seed)
    receptance, x = torch.randn(size, dtype=dtype) * spread, torch.randn(size, dtype=dtype)
    expected, given_x = torch.sigmoid(receptance.double()) * x.double(), x.clone()
    gate_(receptance, x)
    torch.testing.assert_close(
        receptance.double(), expected, rtol=1e-6 if dtype == torch.float32 else 1e-14, atol=1e-25
    )
    assert torch.equal(x, given_x)


@pytest.mark.parametrize("dtype", DTYPES)
@given(size=SIZES, seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_squared_relu(dtype, size, seed):
    torch.manual_seed(seed)
    x = torch.randn(size, dtype=dtype)
    expected = x.relu().square()
    squared_relu_(x)
    assert torch.equal(x, expected)


def every_bfloat16():
    """All 65536, NaN and subnormal ones among them."""
    return torch.arange(-(2**15), 2**15, dtype=torch.int16).view(torch.bfloat16)


def test_squared_relu_of_every_bfloat16_is_rounded_once():
    x = every_bfloat16()
    expected = x.float().relu().square().to(torch.bfloat16)
    squared_relu_(x)
    assert torch.equal(x.isnan(), expected.isnan())
    assert torch.equal(x.nan_to_num(0), expected.nan_to_num(0))


@pytest.mark.parametrize("size", [1, 7, 17, 2**16])
def test_gate_in_bfloat16_is_off_by_half_a_unit_in_the_last_place(size):
    torch.manual_seed(size)
    receptance = every_bfloat16()[torch.randperm(2**16)[:size]]
    x = torch.randn(size).bfloat16()
    expected = torch.sigmoid(receptance.double()) * x.double()
    gate_(receptance, x)
    assert receptance.dtype == torch.bfloat16
    torch.testing.assert_close(receptance.double(), expected, rtol=1.001 * 2**-8, atol=1e-29, equal_nan=True)


@pytest.mark.parametrize("channels", [1, 8, 13, 96])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_residual_of_a_mix_in_bfloat16_keeps_its_type(channels, dtype):
    torch.manual_seed(channels)
    x, gamma, mix = torch.randn(2, 5, channels), torch.randn(channels), torch.randn(2, 5, channels).bfloat16()
    x, gamma = x.to(dtype), gamma.to(dtype)
    with torch.no_grad():
        total = residual(x, gamma, mix)
        opcheck(torch.ops.lalic.residual, (x, gamma, mix))
    assert total.dtype == dtype
    torch.testing.assert_close(total, torch.addcmul(x, gamma, mix))


def test_gradients_of_bfloat16_go_by_torch():
    x = torch.randn(9, dtype=torch.bfloat16, requires_grad=True)
    gate(squared_relu(x), x).sum().backward()
    wide = x.detach().float().requires_grad_()
    gate(squared_relu(wide), wide).sum().backward()
    torch.testing.assert_close(x.grad.float(), wide.grad, rtol=0.05, atol=0.05)


def test_nan_and_infinity():
    values = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0])
    receptance = values.clone()
    gate_(receptance, torch.ones(4))
    torch.testing.assert_close(receptance, torch.tensor([float("nan"), 1.0, 0.0, 0.5]), equal_nan=True)
    squared_relu_(values)
    torch.testing.assert_close(values, torch.tensor([float("nan"), float("inf"), 0.0, 0.0]), equal_nan=True)


def test_differentiating_is_an_error():
    x = torch.ones(3, requires_grad=True)
    for call in (
        lambda: gate_(x.clone(), torch.ones(3)),
        lambda: gate_(torch.ones(3), x),
        lambda: squared_relu_(x * 1),
    ):
        with pytest.raises(RuntimeError, match="no derivative"):
            call()
    with torch.no_grad():
        gate_(torch.ones(3), x)


def test_strided_broadcast_and_half_precision_go_by_torch():
    receptance, x = torch.randn(4, 6), torch.randn(4, 6)
    strided = receptance.t().contiguous().t()
    gate_(strided, x)
    torch.testing.assert_close(strided, torch.sigmoid(receptance) * x)
    broadcast = receptance.clone()
    gate_(broadcast, x[:1])
    torch.testing.assert_close(broadcast, torch.sigmoid(receptance) * x[:1])
    half = receptance.half()
    squared_relu_(half)
    assert torch.equal(half, receptance.half().relu().square())


def test_the_meta_device_and_one_graph():
    squared_relu_(torch.empty(5, device="meta"))

    def call(r, x):
        gate_(r, x)
        return r * 2

    r, x = torch.randn(20), torch.randn(20)
    expected = torch.sigmoid(r) * x * 2
    torch.testing.assert_close(torch.compile(call, fullgraph=True, backend="aot_eager")(r, x), expected)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.bfloat16])
def test_every_instruction_set_gives_the_same_bits(monkeypatch, dtype):
    assert KERNELS.missing() is None
    widest = torch.backends.cpu.get_cpu_capability()
    torch.manual_seed(0)
    receptance, x = torch.randn(1001, dtype=dtype), torch.randn(1001, dtype=dtype)
    results = []
    for name in INSTRUCTION_SETS[INSTRUCTION_SETS.index(widest) :] if widest in INSTRUCTION_SETS else ["DEFAULT"]:
        monkeypatch.setattr(KERNELS, "instruction_set", name)
        gate, square = receptance.clone(), receptance.clone()
        gate_(gate, x)
        squared_relu_(square)
        results.append(torch.cat([gate, square]))
    assert all(torch.equal(results[0], other) for other in results[1:])


@given(size=SIZES, spread=st.sampled_from([0.1, 1.0, 30.0]), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_gradients_are_those_of_torch(size, spread, seed):
    torch.manual_seed(seed)
    receptance = (torch.randn(size, dtype=torch.float64) * spread).requires_grad_()
    x, grad = torch.randn(size, dtype=torch.float64, requires_grad=True), torch.randn(size, dtype=torch.float64)
    pairs = (
        (gate(receptance, x), torch.sigmoid(receptance) * x, (receptance, x)),
        (squared_relu(x), x.relu().square(), (x,)),
    )
    for ours, theirs, inputs in pairs:
        assert type(ours.grad_fn).__name__ in ("_GateBackward", "_SquaredReluBackward")
        torch.testing.assert_close(ours, theirs)
        found, expected = (torch.autograd.grad(y, inputs, grad) for y in (ours, theirs))
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_gates_that_are_broadcast_are_differentiated_by_torch():
    receptance, x = torch.randn(2, 5, 8, requires_grad=True), torch.randn(2, 1, 8, requires_grad=True)
    gate(receptance, x).sum().backward()
    torch.testing.assert_close(x.grad, torch.sigmoid(receptance).sum(1, keepdim=True))
