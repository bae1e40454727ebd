"""MLIC++'s frame: passes, coding, gradients, what thop counts, what is said where weights do not fit."""

import copy
import re

import pytest
import torch

from adapters.mlic_plus_plus.model import MlicPlusPlus, build, likely_cause, small
from adapters.mlic_plus_plus.sizes import Sizes
from lic_bench.measurement.complexity import count_complexity


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = small()
    model.update(force=True)
    return model


def picture(batch, height, width):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [(1, 64, 64), (2, 64, 128), (1, 192, 128)], ids=str)
def test_another_instance_decodes_exactly_what_forward_estimates(model, size):
    x = picture(*size)
    with torch.no_grad():
        estimated = model(x)["x_hat"].clamp(0, 1)
    coded = model.compress(x)
    assert [len(strings) for strings in coded["strings"]] == [size[0]] * 2
    x_hat = copy.deepcopy(model).decompress(coded["strings"], coded["shape"])["x_hat"]
    assert torch.equal(x_hat, estimated)


def test_the_default_type_is_of_no_consequence(model):
    x = picture(1, 64, 64)
    with torch.no_grad():
        y_hat = model.predict(model.hyper(model.rounded(model.h_a(model.g_a(x)))), lambda scales, means: means)
        torch.set_default_dtype(torch.float64)
        try:
            again = model.predict(model.hyper(model.rounded(model.h_a(model.g_a(x)))), lambda scales, means: means)
        finally:
            torch.set_default_dtype(torch.float32)
    assert torch.equal(y_hat, again)


def test_the_passes_of_a_slice_are_odd_positions_then_even_ones(model):
    row, column = torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij")
    parity = ((row + column) % 2).expand(2, 24, 4, 6)
    passes = model.split(parity)
    assert [part.unique().tolist() for part in passes] == [[1], [0]] * 3
    assert {tuple(part.shape) for part in passes} == {(2, 8, 4, 3)}
    y = torch.rand(2, 24, 4, 6)
    assert torch.equal(model.join(model.split(y)), y)


def test_no_parameter_is_idle():
    model = small().train()
    with torch.no_grad():
        model.h_a.reduction[8].weight *= 100  # a fresh z is small enough to be rounded to nothing
    out = model(picture(1, 64, 64))
    rate = sum(-likelihoods.log2().sum() for likelihoods in out["likelihoods"].values())
    (rate + out["x_hat"].square().sum()).backward()
    tables = "entropy_bottleneck.quantiles"
    assert [name for name, p in model.named_parameters() if p.grad is None] == [tables]  # CompressAI's auxiliary loss
    assert [name for name, p in model.named_parameters() if p.grad is not None and not p.grad.any()] == []


@pytest.mark.parametrize(
    ("old", "macs", "parameters"), [(False, 443_170_467_840, 83_265_740), (True, 494_176_088_064, 116_481_260)]
)
def test_thop_counts_what_it_counts_of_the_authors_code(old, macs, parameters):
    network = MlicPlusPlus(Sizes(old=old)).eval()
    (thop,) = count_complexity(network, "mlic-plus-plus", 6, 128, 192, wanted=(("thop", "forward"),))
    assert (thop.macs * 16, thop.parameters) == (macs, parameters)  # at 512 x 768: all is linear in the pixels


@pytest.fixture(scope="module")
def fresh():
    return build(None).state_dict()


def test_wrapped_prefixed_and_old_names_load_alike(fresh):
    old = {"matrices": "_matrix", "biases": "_bias", "factors": "_factor"}
    renamed = {}
    for key, value in fresh.items():
        for new, before in old.items():
            key = key.replace(f"entropy_bottleneck.{new}.", f"entropy_bottleneck.{before}")
        renamed[f"module.{key}"] = value
    again = build({"epoch": 3, "state_dict": renamed}).state_dict()
    assert sum("_matrix" in key for key in renamed) == 5
    assert again.keys() == fresh.keys()
    assert all(torch.equal(value, again[key]) for key, value in fresh.items())


def test_a_state_that_does_not_fit_is_refused(fresh):
    lost = {key: value for key, value in fresh.items() if not key.startswith("local_context.3.norm1.")}
    with pytest.raises(ValueError, match=r"2 missing: local_context.3.norm1.weight, .* Likely cause: part of the file"):
        build(lost)


def test_layouts_are_not_mixed(fresh):
    mixed = fresh | {"lrp_anchor.0.lrp_transform.6.weight": torch.zeros(32, 112, 3, 3)}
    with pytest.raises(ValueError, match=r"missing: g_s.synthesis_transform.0.skip.weight, .* of another shape: "):
        build(mixed)


FIRST = {"g_a.analysis_transform.0.conv1.weight": torch.zeros(192, 3, 3, 3)}
NARROW = {"g_a.analysis_transform.0.conv1.weight": torch.zeros(128, 3, 3, 3)}
LAST = {"g_a.analysis_transform.6.weight": torch.zeros(192, 192, 3, 3)}


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({}, "another codec"),
        (NARROW, "N=128, M=320; MLIC[+][+] has N=192, M=320"),
        (FIRST | LAST, "N=192, M=192"),
        (FIRST, r"MLIC or MLIC[+],"),
        (FIRST | {"global_intra_context.1.mlp.0.weight": torch.zeros(1)}, "part of the file is lost"),
    ],
)
def test_the_likely_cause(own, said):
    assert re.search(said, likely_cause(own))
