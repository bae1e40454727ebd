"""The parts of LALIC: Omni-Shift's merging, the checkerboard, the gated MLP."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch.profiler import profile

from lalic.blocks import BiRwkvBlock, OmniShift, lower_mixes
from lalic.context import aggregation_widths
from lalic.tokens import to_image, to_tokens


def shift_of(width=6, seed=0):
    torch.manual_seed(seed)
    shift = OmniShift(width).double().eval()
    with torch.no_grad():
        shift.alpha.normal_()
    return shift


def sum_of_branches(shift, image):
    a, width = shift.alpha, image.shape[1]
    out = a[0] * image + a[1] * F.conv2d(image, shift.kernel1, groups=width)
    out = out + a[2] * F.conv2d(image, shift.kernel3, padding=1, groups=width)
    return out + a[3] * F.conv2d(image, shift.kernel5, padding=2, groups=width)


def apply(shift, image):
    return to_image(shift(to_tokens(image), image.shape[2:]), image.shape[2:])


IMAGE = torch.randn(2, 6, 7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("grad", [False, True])
def test_merged_kernel_is_the_sum_of_the_branches(grad):
    shift = shift_of()
    with torch.set_grad_enabled(grad):
        torch.testing.assert_close(apply(shift, IMAGE), sum_of_branches(shift, IMAGE))


def test_gradients_reach_every_branch():
    shift = shift_of()
    expected = torch.autograd.grad(sum_of_branches(shift, IMAGE).square().sum(), list(shift.parameters()))
    got = torch.autograd.grad(apply(shift, IMAGE).square().sum(), list(shift.parameters()))
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@torch.no_grad()
def test_merged_kernel_is_kept_and_follows_every_change():
    shift = shift_of()
    apply(shift, IMAGE)
    kept = shift.merged.weight
    apply(shift, IMAGE)
    assert shift.merged.weight is kept
    changes = {
        "in place": lambda: shift.kernel3.add_(1),
        "load": lambda: shift.load_state_dict(shift_of(seed=3).state_dict()),
        "data": lambda: (shift.alpha.data.mul_(2), shift.eval()),
    }
    for change in changes.values():
        change()
        torch.testing.assert_close(apply(shift, IMAGE), sum_of_branches(shift, IMAGE))
    shift.float()
    assert apply(shift, IMAGE.float()).dtype == torch.float32
    twin = copy.deepcopy(shift)
    twin.kernel5.mul_(2)
    torch.testing.assert_close(apply(twin, IMAGE.float()), sum_of_branches(twin, IMAGE.float()))


def test_kernel_merged_in_inference_mode_serves_outside_it():
    with torch.inference_mode():
        shift = shift_of()
        inside = apply(shift, IMAGE)
    with torch.no_grad():
        torch.testing.assert_close(apply(shift, IMAGE), inside)
    trainable = shift_of()
    with torch.inference_mode():
        apply(trainable, IMAGE)
    apply(trainable, IMAGE).sum().backward()
    assert trainable.alpha.grad is not None


def test_merged_kernel_is_neither_parameter_nor_state():
    shift = OmniShift(6)
    assert set(shift.state_dict()) == {name for name, _ in shift.named_parameters()}
    assert set(shift.state_dict()) == {"alpha", "kernel1", "kernel3", "kernel5"}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_block_keeps_shape_and_does_not_depend_on_layout(layout):
    torch.manual_seed(0)
    block = BiRwkvBlock(6).double()
    image = IMAGE.contiguous(memory_format=layout)
    out = block(image)
    assert out.shape == image.shape
    torch.testing.assert_close(out, block(IMAGE))


@torch.no_grad()
def test_mixes_in_bfloat16_leave_the_sums_in_float32():
    torch.manual_seed(0)
    block, image = BiRwkvBlock(6), IMAGE.float()
    expected = block(image)
    lower_mixes(block, torch.bfloat16)
    with profile(record_shapes=True) as seen:
        out = block(image)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, expected, rtol=0.02, atol=0.02)
    converted = [
        e.concrete_inputs[1] for e in seen.events() if e.name == "aten::_to_copy" and e.input_shapes[0][1:2] == [28]
    ]
    assert len(converted) == 2, converted  # what the norms give; nothing back to float32


def test_block_is_identity_where_its_gammas_are_zero():
    block = BiRwkvBlock(6).double()
    torch.nn.init.zeros_(block.gamma1)
    torch.nn.init.zeros_(block.gamma2)
    torch.testing.assert_close(block(IMAGE), IMAGE)


def test_aggregation_widths_of_the_released_network():
    assert aggregation_widths(352, 32, 256) == [352, 256, 256, 32]
    assert aggregation_widths(384, 32, 256) == [384, 266, 256, 32]
    assert aggregation_widths(576, 128, 256) == [576, 426, 277, 128]
    assert aggregation_widths(1088, 384, 256) == [1088, 853, 618, 384]
    assert aggregation_widths(1088, 384, 256, 700) == [1088, 700, 618, 384]
