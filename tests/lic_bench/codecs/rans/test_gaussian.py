"""The compiled pass from a latent to symbols and tables, against torch's operators."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lic_bench.codecs.gaussian_coding import scale_table
from lic_bench.codecs.rans import GaussianIndexer

LADDER = torch.tensor(scale_table())
any_floats = arrays(np.float32, (2, 3, 7), elements=st.floats(width=32))
halves = arrays(np.float32, (2, 3, 7), elements=st.integers(-9, 9).map(lambda n: n / 2))


def by_torch(y, scales, means):
    rounded = torch.round(y - means)
    return rounded.int(), torch.bucketize(scales.contiguous(), LADDER[:-1]).int(), rounded + means


@given(any_floats, any_floats, any_floats)
@settings(max_examples=200, deadline=None)
def test_any_floats_have_torchs_results(y, scales, means):
    tensors = [torch.from_numpy(part) for part in (y, scales, means)]
    for got, expected in zip(GaussianIndexer(LADDER).symbols(*tensors), by_torch(*tensors), strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


@given(halves, halves)
@settings(max_examples=50, deadline=None)
def test_halves_go_to_the_even_symbol(y, means):
    y, means = torch.from_numpy(y), torch.from_numpy(means)
    symbols, _, y_hat = GaussianIndexer(LADDER).symbols(y, torch.ones_like(y), means)
    assert symbols.equal(torch.round(y - means).int())
    assert y_hat.equal(torch.round(y - means) + means)


@pytest.mark.parametrize("ladder", [[0.5], [1e-30, 2.0], [0.11, 0.11000001, 0.1100001, 7.0, 1e30]])
def test_each_scale_of_any_ladder_has_its_own_index_and_the_next_float_the_next(ladder):
    ladder = torch.tensor(ladder)
    indexer, last = GaussianIndexer(ladder), len(ladder) - 1
    assert indexer.indexes(ladder).tolist() == list(range(last + 1))
    above = torch.nextafter(ladder, torch.tensor(torch.inf))
    assert indexer.indexes(above).tolist() == [min(i + 1, last) for i in range(last + 1)]


@pytest.mark.parametrize("change", [torch.Tensor.double, lambda t: t.transpose(1, 2)])
def test_other_types_and_layouts_have_the_same_results(change):
    generator = torch.Generator().manual_seed(0)
    y, scales, means = (change(9 * torch.randn(2, 5, 6, generator=generator)) for _ in range(3))
    got = GaussianIndexer(LADDER).symbols(y, scales, means)
    for value, expected in zip(got, by_torch(y, scales, means), strict=True):
        assert value.is_contiguous()
        assert value.equal(expected)
