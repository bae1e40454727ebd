"""Coding pass by pass: what CompressAI's coder would write, joined or not, and what the three coders agree on."""

import pytest
import torch
from compressai.entropy_models import GaussianConditional
from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.codecs.gaussian_coding import (
    Decoder,
    Encoder,
    Estimator,
    GaussianTables,
    JoinedDecoder,
    merge_checkerboard,
    quantise,
    scale_table,
    split_checkerboard,
)


@pytest.fixture(scope="module")
def gaussian():
    model = GaussianConditional(scale_table()).eval()
    model.update()
    return model


def latents(count=3, batch=2):
    """Passes of different sizes, with their scales and means."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(batch, 2 + i, 4, 5) for i in range(count)]
    scales = [torch.rand(shape, generator=generator) * 40 for shape in shapes]
    means = [torch.randn(shape, generator=generator) * 9 for shape in shapes]
    noise = [torch.randn(shape, generator=generator) for shape in shapes]
    return [m + 1.5 * s * n for m, s, n in zip(means, scales, noise, strict=True)], scales, means


def test_tables_pick_the_scale_that_compressai_picks(gaussian):
    table = gaussian.scale_table
    scales = torch.cat([table, table * 1.001, torch.tensor([0.0, -1.0, 1e4])])[None]
    assert GaussianTables(gaussian).indexes(scales).tolist() == gaussian.build_indexes(scales).tolist()


def test_strings_are_those_of_compressai(gaussian):
    passes, scales, means = latents()
    encoder = Encoder(passes, GaussianTables(gaussian))
    for s, m in zip(scales, means, strict=True):
        encoder(s, m)
    rows = zip(passes, scales, means, strict=True)
    assert encoder.strings() == [gaussian.compress(y, gaussian.build_indexes(s), m) for y, s, m in rows]


@pytest.mark.parametrize("joined", [False, True])
def test_the_decoder_returns_what_the_encoder_and_the_estimator_saw(gaussian, joined):
    passes, scales, means = latents()
    tables = GaussianTables(gaussian)
    estimator, encoder = Estimator(passes, gaussian), Encoder(passes, tables)
    gaussians = list(zip(scales, means, strict=True))
    seen = [encoder(*pair) for pair in gaussians]
    decoder = JoinedDecoder(encoder.joined(), tables) if joined else Decoder(encoder.strings(), tables)
    for pair, y_hat in zip(gaussians, seen, strict=True):
        assert torch.equal(decoder(*pair), y_hat)
        assert torch.equal(estimator(*pair), y_hat)
    bits = sum(-likelihoods.log2().sum().item() for likelihoods in estimator.likelihoods)
    assert sum(map(len, encoder.joined())) * 8 == pytest.approx(bits, rel=0.02, abs=64 * len(encoder.joined()))


def test_what_follows_the_model_costs_what_the_model_says(gaussian):
    generator = torch.Generator().manual_seed(0)
    scales = torch.logspace(-1.0, 2.3, 64 * 32 * 48).view(1, 64, 32, 48)  # 0.1 to 200
    means = torch.randn(scales.shape, generator=generator) * 9
    y = means + scales * torch.randn(scales.shape, generator=generator)
    estimator, encoder = Estimator([y], gaussian), Encoder([y], GaussianTables(gaussian))
    assert torch.equal(estimator(scales, means), encoder(scales, means))
    bits = -estimator.likelihoods[0].log2().sum().item()
    assert len(encoder.joined()[0]) * 8 == pytest.approx(bits, rel=0.005)


def test_one_joined_string_costs_less_than_one_per_pass(gaussian):
    passes, scales, means = latents()
    encoder = Encoder(passes, GaussianTables(gaussian))
    for pair in zip(scales, means, strict=True):
        encoder(*pair)
    joined, apart = encoder.joined(), encoder.strings()
    assert len(joined) == 2
    assert sum(map(len, joined)) < sum(len(string) for strings in apart for string in strings)


def test_rounding_is_exact_and_lets_gradients_pass():
    x = torch.tensor([0.2, 0.5, 1.5, -2.7], requires_grad=True)
    rounded = quantise(x, torch.tensor(0.25))
    assert rounded.tolist() == [0.25, 0.25, 1.25, -2.75]
    rounded.sum().backward()
    assert x.grad.tolist() == [1, 1, 1, 1]


def test_checkerboard_parts_have_the_right_parity_and_order():
    rows, columns = torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij")
    even, odd = split_checkerboard((10 * rows + columns)[None, None])
    assert even[0, 0].tolist() == [[0, 2, 4], [11, 13, 15], [20, 22, 24], [31, 33, 35]]
    assert odd[0, 0].tolist() == [[1, 3, 5], [10, 12, 14], [21, 23, 25], [30, 32, 34]]


@settings(max_examples=20, deadline=None)
@given(st.tuples(*(st.integers(1, 3) for _ in range(4))))
def test_checkerboard_parts_merge_to_the_image(shape):
    batch, channels, height, width = shape
    image = torch.arange(batch * channels * height * width * 4).view(batch, channels, 2 * height, 2 * width)
    assert torch.equal(merge_checkerboard(*split_checkerboard(image)), image)
