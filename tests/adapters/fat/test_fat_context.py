"""T-CA: what sees what, and that slice after slice it computes what it computes at once."""

import pytest
import torch

from adapters.fat.channel_context import Steps
from adapters.fat.config import SLICES


@pytest.fixture
def case(tiny):
    """(context in float64, hyper, quantised y) of two images."""
    context = tiny().tca.double()
    torch.manual_seed(1)
    return context, torch.randn(2, 40, 8, 16).double(), torch.randn(2, 20, 8, 16).double().mul(3).round()


def stepped(context, hyper, q):
    steps, parts = Steps(context, hyper), []
    for index, part in enumerate(q.chunk(SLICES, 1)):
        parts.append(steps(index))
        steps.take(part)
    return [torch.cat(kind, 1) for kind in zip(*parts, strict=True)]


@torch.no_grad()
def test_slice_after_slice_is_the_whole_pass(case):
    for got, whole in zip(stepped(*case), case[0](*case[1:]), strict=True):
        torch.testing.assert_close(got, whole, rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_the_layout_of_the_quantised_slices_changes_no_bit(case):
    context, hyper, q = case[0].float(), case[1].float(), case[2].float()
    other = q.contiguous(memory_format=torch.channels_last)
    for a, b in zip(stepped(context, hyper, q), stepped(context, hyper, other), strict=True):
        assert torch.equal(a, b)


@torch.no_grad()
@pytest.mark.parametrize("changed", range(SLICES))
def test_a_slice_depends_on_earlier_slices_only(case, changed):
    context, hyper, q = case
    before = context(hyper, q)
    q = torch.cat([part + (index == changed) for index, part in enumerate(q.chunk(SLICES, 1))], 1)
    for kind, other in zip(before, context(hyper, q), strict=True):
        same = [torch.equal(a, b) for a, b in zip(kind.chunk(SLICES, 1), other.chunk(SLICES, 1), strict=True)]
        assert same == [index <= changed for index in range(SLICES)]


@torch.no_grad()
def test_a_map_that_windows_do_not_cover_is_refused(case):
    context, hyper, q = case
    with pytest.raises(ValueError, match="4x16 cannot be cut into windows of 8x8"):
        context(hyper[:, :, :4], q[:, :, :4])
