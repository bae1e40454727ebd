"""Networks of CompressAI with our coder: the strings are CompressAI's own, in both directions."""

import copy
import io

import pytest
import torch
from compressai import models
from compressai.entropy_models import EntropyBottleneck, GaussianConditional
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.cheng2020_parallel.model import small as cheng2020_small
from adapters.elic.model import small as elic_small
from lic_bench.codecs import compressai_rans, rans
from lic_bench.codecs.entropy_models import NativelyCoded, coder_of, use_coder
from lic_bench.codecs.gaussian_coding import scale_table
from lic_bench.measurement.symbol_check import checked_symbols

OURS, BOTH, THEIRS = {"native"}, {"native", "compressai"}, {"compressai"}
FAMILIES = {  # of compressai.zoo and ours -> a small network, and which coders code with "native"
    "bmshj2018-factorized": (lambda: models.FactorizedPrior(8, 12), OURS),
    "bmshj2018-factorized-relu": (lambda: models.FactorizedPriorReLU(8, 12), OURS),
    "bmshj2018-hyperprior": (lambda: models.ScaleHyperprior(8, 12), OURS),
    "mbt2018-mean": (lambda: models.MeanScaleHyperprior(8, 12), OURS),
    "mbt2018": (lambda: models.JointAutoregressiveHierarchicalPriors(8, 12), BOTH),  # y: pixel by pixel, by itself
    "cheng2020-anchor": (lambda: models.Cheng2020Anchor(12), BOTH),
    "cheng2020-attn": (lambda: models.Cheng2020Attention(12), BOTH),
    "elic": (elic_small, OURS),
    "cheng2020-parallel": (cheng2020_small, OURS),
}


@pytest.fixture(params=FAMILIES)
def family(request):
    """(network whose latents have many symbols, the names of the coders that code it)."""
    make, coders = FAMILIES[request.param]
    torch.manual_seed(0)
    network = make().eval()
    network.update(force=True)
    with torch.no_grad():
        last = [module for module in network.g_a.modules() if hasattr(module, "weight")][-1]
        last.weight.mul_(40)
    return network, coders


@torch.no_grad()
def test_every_family_has_the_strings_of_compressais_coder(family):
    network, coders = family
    x = torch.rand(2 - (coders == BOTH), 3, 64, 128)  # the autoregressive ones are slow
    coded, decoded = {}, {}
    for coder, expected in (("compressai", THEIRS), ("native", coders)):
        use_coder(network, coder)
        with checked_symbols() as seen:
            coded[coder] = network.compress(x)
        assert seen == expected
    assert coded["native"]["strings"] == coded["compressai"]["strings"]
    assert len({string for strings in coded["native"]["strings"] for string in strings}) > 1
    for coder in coded:
        use_coder(network, coder)
        decoded[coder] = network.decompress(**coded["compressai"])["x_hat"]
    assert torch.equal(decoded["native"], decoded["compressai"])


def gaussian():
    model = GaussianConditional(scale_table()).eval()
    model.update_scale_table(scale_table(), force=True)
    return model


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_scales_have_the_tables_that_compressai_gives_them(values):
    model = gaussian()
    scales = torch.tensor([[*values, 0.11, 0.1100001, 256, 1e9]])
    expected = model.build_indexes(scales)
    use_coder(model, "native")
    assert model.build_indexes(scales).tolist() == expected.tolist()


def test_tables_that_change_are_taken_anew():
    torch.manual_seed(0)
    model = EntropyBottleneck(3)
    model.update(force=True)
    use_coder(model, "native")
    z = 5 * torch.randn(1, 3, 4, 4)
    before = model.compress(z)
    with torch.no_grad():
        model.quantiles.mul_(1.5)
    model.update(force=True)
    after = model.compress(z)
    use_coder(model, "compressai")
    assert model.compress(z) == after != before
    use_coder(model, "native")
    other = EntropyBottleneck(3)
    other.update(force=True)
    model.quantized_cdf[:, 1:-1] = model.quantized_cdf[:, 1:-1] // 2 + 1  # in place, as load_state_dict does
    changed = model.compress(z)
    use_coder(model, "compressai")
    assert model.compress(z) == changed != after


def test_tables_before_update_are_a_plain_error():
    model = EntropyBottleneck(3)
    use_coder(model, "native")
    with pytest.raises(ValueError, match="Run update"):
        model.compress(torch.zeros(1, 3, 2, 2))


def test_copies_and_pickles_keep_the_coder_and_the_way_back():
    model = gaussian()
    use_coder(model, "native")
    y, indexes = torch.ones(1, 2, 3, 4), torch.zeros(1, 2, 3, 4, dtype=torch.int32)
    strings = model.compress(y, indexes)
    torch.save(model, file := io.BytesIO())
    file.seek(0)
    for other in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        assert coder_of(other) is rans
        assert isinstance(other, GaussianConditional | NativelyCoded)
        assert other.compress(y, indexes) == strings
        use_coder(other, "compressai")
        assert type(other) is GaussianConditional
        assert coder_of(other) is compressai_rans


def test_a_class_with_coding_of_its_own_keeps_it():
    class Mute(GaussianConditional):
        def compress(self, inputs, indexes, means=None):
            return [b"mute"] * len(inputs)

        def build_indexes(self, scales):
            return torch.zeros_like(scales, dtype=torch.int32)

    model = Mute(scale_table())
    model.update()
    use_coder(model, "native")
    assert model.compress(torch.zeros(2, 3), torch.zeros(2, 3)) == [b"mute"] * 2
    assert model.build_indexes(torch.full((2,), 9.0)).tolist() == [0, 0]


def test_strings_that_end_too_early_are_an_error_and_no_other_symbols():
    model = gaussian()
    use_coder(model, "native")
    indexes = torch.full((1, 500), 40)
    string = model.compress(30 * torch.randn(1, 500), indexes)[0]
    with pytest.raises(ValueError, match="ends before its last symbol"):
        model.decompress([string[:40]], indexes)
