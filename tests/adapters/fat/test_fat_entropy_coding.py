"""Both entropy coders give back what they were given, whatever it is; the authors' string byte for byte."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.fat.entropy_coding import decoder_of, encoder_of
from adapters.fat.range_coder import RangeDecoder, RangeEncoder, value_tables
from lic_bench.codecs import compressai_rans, rans

NAMES = ["rans", "range-coder"]


def coded(name, slices, gaussians, coder=rans):
    encoder = encoder_of(name, slices, coder)
    for part, (scales, means) in zip(slices, gaussians, strict=True):
        assert torch.equal(encoder(scales, means), part)
    return encoder.strings(), encoder.side_information


def decoded(name, strings, side, gaussians):
    decoder = decoder_of(name, strings, side, rans)
    return [decoder(scales, means) for scales, means in gaussians]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0, 1, 40, 500]), name=st.sampled_from(NAMES))
def test_slices_come_back_whether_they_fit_their_gaussians_or_not(seed, spread, name):
    torch.manual_seed(seed)
    slices = [(spread * torch.randn(2, 3, 2, 4)).round().clamp(-500, 500) for _ in range(3)]
    gaussians = [(4 * torch.randn(2, 3, 2, 4), 5 * torch.randn(2, 3, 2, 4)) for _ in slices]
    strings, side = coded(name, slices, gaussians)
    assert [len(strings), len(side)] == [2, 2 * (name == "range-coder")]
    for part, again in zip(slices, decoded(name, strings, side, gaussians), strict=True):
        assert torch.equal(part, again)


@pytest.mark.parametrize("name", NAMES)
def test_well_predicted_values_cost_what_they_should(name):
    torch.manual_seed(0)
    means, scales = 3 * torch.randn(1, 8, 32, 32), torch.rand(1, 8, 32, 32) + 0.5
    q = (means + scales * torch.randn_like(means)).round()
    strings, _ = coded(name, [q], [(scales, means)])
    distance = (q - means).abs().double()
    normal = torch.distributions.Normal(0, scales.double())
    bits = -(normal.cdf(0.5 - distance) - normal.cdf(-0.5 - distance)).log2().sum().item()
    assert 8 * len(strings[0]) == pytest.approx(bits, rel=0.003)


def test_half_way_means_and_values_far_off_come_back():
    means = torch.tensor([0.5, -0.5, 1.5, 2.5, -1.5, 0.4999999, 1e4, -0.0]).view(1, 8, 1, 1)
    q = torch.tensor([0.0, 0, -70000, 3, 2**20, 1, 1e4, -3]).view(1, 8, 1, 1)
    gaussians = [(torch.full_like(means, 0.02), means)]
    strings, side = coded("rans", [q], gaussians)
    assert torch.equal(decoded("rans", strings, side, gaussians)[0], q)


def test_what_does_not_fit_is_refused():
    zeros = torch.zeros(1, 5, 1, 1)
    with pytest.raises(ValueError, match="Unknown entropy coder 'ans'; FAT has rans, range-coder"):
        encoder_of("ans", [zeros], rans)
    with pytest.raises(ValueError, match="Unknown entropy coder 'ans'"):
        decoder_of("ans", [b""], [], rans)
    with pytest.raises(ValueError, match=r"0 numbers of side information where .* writes 1"):
        decoder_of("range-coder", [b""], [], rans)
    with pytest.raises(ValueError, match=r"1 numbers of side information where .* writes 0"):
        decoder_of("rans", [b""], [6], rans)
    with pytest.raises(ValueError, match="value 512; the range-coder format ends at 511"):
        encoder_of("range-coder", [zeros - 512], rans)


@pytest.fixture(scope="module")
def authors(conformance):
    """(slices of y, their Gaussians, the authors' string, their numbers)."""
    expected, arrays = conformance.expected("fat")
    q, scales, means = (
        torch.from_numpy(arrays[name].astype(np.float64)).chunk(5, 1)
        for name in ("y_symbols", "scales_float64", "means_float64")
    )
    return q, list(zip(scales, means, strict=True)), arrays["y_string"].tobytes(), expected


def test_the_range_coder_writes_and_reads_the_authors_string(authors):
    slices, gaussians, string, expected = authors
    assert coded("range-coder", slices, gaussians) == ([string], [expected["details"]["coding"]["minmax"]])
    again = decoded("range-coder", [string], [6], gaussians)
    assert all(torch.equal(a, b) for a, b in zip(slices, again, strict=True))


def test_value_tables_are_the_authors(authors):
    for entry in authors[3]["details"]["coding"]["first_tables"]:
        scale, mean = (torch.tensor([entry[name]], dtype=torch.float64) for name in ("scale", "mean"))
        assert value_tables(scale, mean, 6) == [entry["cdf"]]


def test_rans_is_within_a_percent_of_the_authors_string(authors):
    slices, gaussians, string, _ = authors
    strings, _ = coded("rans", slices, gaussians)
    assert len(strings[0]) == pytest.approx(len(string), rel=0.01)
    assert coded("rans", slices, gaussians, compressai_rans)[0] == strings


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2]), max_size=300))
def test_carries_and_the_end_of_a_string(symbols):
    table = [0, 1, 65535, 65536]  # the rare symbols move low in long strides, up to rows of 0xFF and over them
    encoder = RangeEncoder()
    encoder.encode(symbols, [table] * len(symbols))
    assert RangeDecoder(encoder.close()).decode([table] * len(symbols)) == symbols
