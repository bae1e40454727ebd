"""BiWKV as a torch operator: autograd, torch.compile, the FLOP counter, and errors that say what is allowed."""

import pytest
import torch
from torch.autograd import forward_ad
from torch.library import opcheck
from torch.utils.flop_counter import FlopCounterMode

from lalic.biwkv import biwkv, choose_backend


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # read by opcheck itself
def test_torch_finds_nothing_wrong_with_the_operator(inputs):
    for tensors in (inputs(20), [t.requires_grad_() for t in inputs(20)]):
        opcheck(torch.ops.lalic.biwkv, (*tensors, "auto"))


def test_it_compiles_into_one_graph_with_gradients(inputs):
    compiled = torch.compile(lambda *x: biwkv(*x).square().sum(), fullgraph=True, backend="aot_eager")
    eager, other = ([t.requires_grad_() for t in inputs(40)] for _ in range(2))
    biwkv(*eager).square().sum().backward()
    compiled(*other).backward()
    for a, b in zip(eager, other, strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("guard", [torch.no_grad, torch.inference_mode])
def test_without_gradients(inputs, guard):
    tensors = [t.requires_grad_() for t in inputs(20)]
    with guard():
        y = biwkv(*tensors)
    assert not y.requires_grad
    torch.testing.assert_close(y, biwkv(*tensors).detach())


def test_flops_are_29_per_token_and_channel(inputs):
    with FlopCounterMode(display=False) as counter:
        biwkv(*inputs(50, channels=7, batch=3))
    assert counter.get_total_flops() == 29 * 3 * 50 * 7


def test_shapes_are_known_without_computing(inputs):
    y = biwkv(*(t.to("meta") for t in inputs(50)))
    assert y.shape == (2, 50, 5)
    assert y.is_meta


def test_a_second_derivative_is_refused(inputs):
    leaves = [t.requires_grad_() for t in inputs(10)]
    (grad,) = torch.autograd.grad(biwkv(*leaves).square().sum(), leaves[2:3], create_graph=True)
    with pytest.raises(RuntimeError, match="BiWKV has no second derivative"):
        grad.sum().backward()


def test_a_forward_derivative_is_refused(inputs):
    w, u, k, v = inputs(10)
    with forward_ad.dual_level(), pytest.raises(RuntimeError, match="no forward-mode derivative"):
        biwkv(w, u, forward_ad.make_dual(k, v), v)


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_half_precision_is_summed_in_float32(inputs, dtype, limit):
    w, u, k, v = inputs(300)
    k, v = k.to(dtype), v.to(dtype)
    y = biwkv(w.float(), u.float(), k.requires_grad_(), v)
    assert y.dtype == dtype
    expected = biwkv(w, u, k.double(), v.double())
    torch.testing.assert_close(y.double(), expected, rtol=0, atol=limit)
    y.sum().backward()
    assert k.grad.dtype == dtype


def test_no_batch_no_result(inputs):
    w, u, k, v = inputs(5)
    assert biwkv(w, u, k[:0], v[:0]).shape == (0, 5, 5)


def test_the_compiled_kernels_are_what_auto_means_here():
    assert choose_backend("cpu") == "cpu"
    assert choose_backend("cpu", torch.float16) == "cpu"
    assert choose_backend("meta") == "torch"


def test_unknown_backend_is_an_error_that_names_the_known_ones(inputs):
    with pytest.raises(ValueError, match=r"'fast'.*auto, reference, torch, cpu, cuda"):
        biwkv(*inputs(3), backend="fast")


def test_a_backend_for_another_device_is_an_error_that_says_so(inputs):
    with pytest.raises(RuntimeError, match="'cuda' needs tensors on cuda, not cpu"):
        biwkv(*(t.float() for t in inputs(3)), backend="cuda")


def test_wrong_shapes_and_types_are_named(inputs):
    w, u, k, v = inputs(3)
    with pytest.raises(ValueError, match=r"k \[2, 3, 5\], v \[2, 2, 5\]"):
        biwkv(w, u, k, v[:, :2])
    with pytest.raises(ValueError, match=r"w \[4\]"):
        biwkv(w[:4], u, k, v)
    with pytest.raises(ValueError, match="T >= 1"):
        biwkv(w, u, k[:, :0], v[:, :0])
    with pytest.raises(ValueError, match=r"float64 and torch.float32"):
        biwkv(w, u, k, v.float())
    with pytest.raises(ValueError, match=r"one floating-point type, not torch.int64"):
        biwkv(w, u, k.long(), v.long())
