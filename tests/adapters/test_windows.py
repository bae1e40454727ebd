"""Windows: order of windows and tokens, and the way back."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.shared.windows import merge, partition


def test_windows_and_their_tokens_are_in_raster_order():
    image = torch.arange(4 * 6).reshape(1, 4, 6, 1)
    windows = partition(image, 2, 3)
    assert windows.shape == (4, 6, 1)
    assert windows[1, :, 0].tolist() == [3, 4, 5, 9, 10, 11]
    assert windows[2, :, 0].tolist() == [12, 13, 14, 18, 19, 20]


@settings(max_examples=30, deadline=None)
@given(st.tuples(*(st.integers(1, 4) for _ in range(6))))
def test_merging_undoes_cutting(sizes):
    batch, down, across, rows, cols, channels = sizes
    image = torch.arange(batch * down * rows * across * cols * channels)
    image = image.reshape(batch, down * rows, across * cols, channels)
    assert torch.equal(merge(partition(image, rows, cols), rows, cols, down * rows, across * cols), image)


def test_channels_may_be_several_dimensions():
    image = torch.randn(2, 4, 6, 3, 5)
    assert torch.equal(partition(image, 2, 3).flatten(2), partition(image.flatten(3), 2, 3))


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="6x8 cannot be cut into windows of 4x4"):
        partition(torch.zeros(1, 6, 8, 2), 4, 4)
