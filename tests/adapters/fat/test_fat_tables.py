"""The rANS tables: valid, small, and close to the Gaussians they stand for."""

import itertools
import math

import pytest
import torch

from adapters.fat.gaussian import probability
from adapters.fat.tables import IntegerTables
from lic_bench.codecs import compressai_rans, rans

TABLES = IntegerTables(compressai_rans)


def test_every_table_is_one_the_coder_takes():
    for cdf, length, first in zip(*TABLES.all.lists, strict=True):
        assert (cdf[0], cdf[-1]) == (0, 65536)
        assert all(low < high for low, high in itertools.pairwise(cdf))
        assert length == len(cdf)
        assert first < 0 < first + length - 2  # 0 has an entry


def test_they_are_the_same_every_time_and_not_many():
    assert IntegerTables(compressai_rans).all.lists == TABLES.all.lists
    assert sum(TABLES.all.lists[1]) < 40_000


def test_our_coder_takes_them_all():
    IntegerTables(rans)


def costs(scale, mean):
    """(probabilities, bits) of the integers around the mean, by the Gaussian and by its table."""
    reach = max(8, math.ceil(5 * scale))
    q = torch.arange(-reach, reach + 1).double() + round(mean)
    index, nearest, sign = TABLES.indexes(torch.full_like(q, scale), torch.full_like(q, mean))
    cdf, first = TABLES.all.lists[0][int(index[0])], TABLES.all.lists[2][int(index[0])]
    place = (sign * (q - nearest)).long() - first
    escaped = (place < 0) | (place >= len(cdf) - 2)
    place[escaped] = len(cdf) - 2
    raw = 8 * escaped.double()  # of a symbol just outside: the number of its groups of four bits, and one group
    bits = 16 - torch.tensor(cdf).diff().log2()[place] + raw
    return probability(q, torch.tensor(scale).double(), torch.tensor(mean).double()), bits


@pytest.mark.parametrize("least", [0.01, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0])
def test_the_expected_loss_is_two_thousandths_and_three_ten_thousandths_of_a_bit(least):
    torch.manual_seed(0)
    entropy = loss = 0.0
    for _ in range(100):
        scale, mean = least * 2 ** float(torch.rand(())), 20 * float(torch.rand(())) - 10
        shares, bits = costs(scale, mean)
        exact = -(shares * shares.clamp_min(1e-300).log2()).sum().item()
        entropy, loss = entropy + exact, loss + (shares * bits).sum().item() - exact
    assert -1e-3 < loss < 0.002 * entropy + 100 * 0.0003


def test_a_certain_value_costs_next_to_nothing():
    shares, bits = costs(0.01, 7.1)
    assert shares.max() == 1
    assert bits[shares.argmax()] < 0.0003


def test_mirrored_means_share_a_table():
    scales, means = torch.tensor([0.3, 0.3]), torch.tensor([2.2, -2.2])
    index, nearest, sign = TABLES.indexes(scales, means)
    assert index[0] == index[1]
    assert nearest.tolist() == [2, -2]
    assert sign.tolist() == [1, -1]


def test_scales_below_the_bound_count_as_the_bound():
    scales, means = torch.tensor([-1.0, 0.0, 0.01]), torch.full((3,), 0.49)
    assert TABLES.indexes(scales, means)[0].unique().numel() == 1
