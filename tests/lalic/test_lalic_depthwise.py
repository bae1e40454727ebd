"""The compiled depthwise convolution against torch's, forwards and backwards."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.library import opcheck
from torch.utils.flop_counter import FlopCounterMode

from lalic.depthwise import depthwise, depthwise_for_inference
from lalic.pointwise import KERNELS
from lalic.tokens import to_image, to_tokens
from native import INSTRUCTION_SETS


def drawn(batch, height, width, channels, dtype=torch.float64):
    torch.manual_seed(channels)
    tokens = torch.randn(batch, height * width, channels, dtype=dtype, requires_grad=True)
    kernel = torch.randn(channels, 1, 5, 5, dtype=dtype, requires_grad=True)
    return tokens, kernel, torch.randn(batch, height * width, channels, dtype=dtype)


def by_torch(tokens, size, kernel):
    return to_tokens(F.conv2d(to_image(tokens, size), kernel, padding=2, groups=len(kernel)))


def ran_compiled(result):
    return type(result.grad_fn).__name__.startswith("_Depthwise")


@given(
    batch=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 13),
    channels=st.sampled_from([1, 7, 8, 24, 41]),
)
@settings(max_examples=40, deadline=None)
def test_values_and_gradients_are_those_of_torch(batch, height, width, channels):
    tokens, kernel, grad = drawn(batch, height, width, channels)
    result, expected = depthwise(tokens, (height, width), kernel), by_torch(tokens, (height, width), kernel)
    assert ran_compiled(result)
    torch.testing.assert_close(result, expected)
    for ours, theirs in zip(*(torch.autograd.grad(y, (tokens, kernel), grad) for y in (result, expected)), strict=True):
        torch.testing.assert_close(ours, theirs)


@given(batch=st.integers(1, 2), height=st.integers(1, 6), width=st.integers(1, 11), channels=st.integers(1, 41))
@settings(max_examples=40, deadline=None)
@torch.no_grad()
def test_bfloat16_is_off_by_half_a_unit_in_the_last_place(batch, height, width, channels):
    size = (height, width)
    tokens, kernel, _ = (t.bfloat16() for t in drawn(batch, height, width, channels))
    result = depthwise_for_inference(tokens, size, kernel)
    assert result.dtype == torch.bfloat16
    expected = by_torch(tokens.double(), size, kernel.double())
    torch.testing.assert_close(result.double(), expected, rtol=1.001 * 2**-8, atol=1e-5)  # float32 sums cancel
    assert torch.equal(result, depthwise_for_inference(tokens.float(), size, kernel.float()).bfloat16())


@torch.no_grad()
def test_as_an_operator_it_is_counted_compiled_and_known_without_computing():
    tokens, kernel, _ = (t.bfloat16() for t in drawn(2, 5, 7, 24))
    with FlopCounterMode(display=False) as counter:
        depthwise_for_inference(tokens, (5, 7), kernel)
    assert counter.get_total_flops() == 2 * 25 * tokens.numel()
    opcheck(torch.ops.lalic.depthwise, (tokens, (5, 7), kernel))


@torch.no_grad()
def test_what_the_kernels_without_gradients_do_not_take_goes_to_torch():
    tokens, kernel, _ = drawn(1, 4, 4, 8)
    strided = torch.cat([tokens, tokens], 2)[..., :8]
    result = depthwise_for_inference(strided, (4, 4), kernel)
    assert result.is_contiguous()
    torch.testing.assert_close(result, by_torch(tokens, (4, 4), kernel))


def test_single_precision_is_as_precise_as_torchs():
    tokens, kernel, grad = drawn(2, 32, 48, 24, torch.float32)
    exact = by_torch(tokens.double(), (32, 48), kernel.double())
    wanted = torch.autograd.grad(exact, (tokens, kernel), grad.double())
    errors = []
    for function in (depthwise, by_torch):
        found = torch.autograd.grad(function(tokens, (32, 48), kernel), (tokens, kernel), grad)
        errors.append([float((a - b).norm() / b.norm()) for a, b in zip(found, wanted, strict=True)])
    assert all(ours < 2 * theirs + 1e-7 for ours, theirs in zip(*errors, strict=True))


@pytest.mark.parametrize("channels", [24, 41])
def test_instruction_sets_and_threads_give_the_same_bits(monkeypatch, channels):
    tokens, kernel, grad = drawn(3, 6, 11, channels, torch.float32)
    found = []
    available = INSTRUCTION_SETS[INSTRUCTION_SETS.index(torch.backends.cpu.get_cpu_capability()) :]
    before = torch.get_num_threads()
    for instruction_set in available:
        for threads in (1, 2):
            monkeypatch.setattr(KERNELS, "instruction_set", instruction_set)
            torch.set_num_threads(threads)
            result = depthwise(tokens, (6, 11), kernel)
            gradients = torch.autograd.grad(result, (tokens, kernel), grad)
            with torch.no_grad():
                rounded = depthwise_for_inference(tokens.bfloat16(), (6, 11), kernel.bfloat16())
            found.append((result, rounded, *gradients))
    torch.set_num_threads(before)
    assert all(torch.equal(a, b) for others in found[1:] for a, b in zip(found[0], others, strict=True))


def test_what_the_kernels_do_not_take_goes_to_torch():
    tokens, kernel, _ = drawn(1, 4, 4, 8, torch.bfloat16)
    assert not ran_compiled(depthwise(tokens, (4, 4), kernel))
    tokens, kernel, _ = drawn(1, 4, 4, 8)
    strided = torch.cat([tokens, tokens], 2)[..., :8]
    result = depthwise(strided, (4, 4), kernel)
    torch.testing.assert_close(result, by_torch(tokens, (4, 4), kernel))
