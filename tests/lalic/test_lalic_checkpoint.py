"""Reading weights: the authors' names, wrappers and leftovers; errors that say what is wrong."""

import re

import pytest
import torch

from lalic.checkpoint import infer_config, lalic_parameters
from lalic.model import build


def assert_same_weights(model, other):
    ours, theirs = dict(model.named_parameters()), dict(other.named_parameters())
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_authors_files_load_however_they_are_wrapped(tiny_model, author_state, wrapper, prefix):
    model = tiny_model()
    state = {prefix + key: value for key, value in author_state(model).items()}
    assert_same_weights(build({wrapper: state, "epoch": 3} if wrapper else state), model)


def test_old_names_of_the_entropy_bottleneck_load(tiny_model, author_state):
    model = tiny_model()
    short = {"matrices": "_matrix", "biases": "_bias", "factors": "_factor"}
    pattern = re.compile(r"\.(matrices|biases|factors)\.(\d)$")
    state = {pattern.sub(lambda m: f".{short[m[1]]}{m[2]}", k): v for k, v in author_state(model).items()}
    assert any(key.endswith("._matrix0") for key in state)
    assert_same_weights(build(state), model)


def test_our_lalic_parameters_dict_loads_with_and_without_tables(tiny_model):
    model = tiny_model()
    assert_same_weights(build(model.state_dict()), model)
    assert_same_weights(build(dict(model.named_parameters())), model)


def test_sizes_are_read_from_the_shapes(tiny_model, author_state, tiny_config):
    assert infer_config(lalic_parameters(author_state(tiny_model()))) == tiny_config


def test_double_weights_stay_double_and_half_ones_become_float(tiny_model):
    state = tiny_model().state_dict()
    for dtype, expected in ((torch.float64, torch.float64), (torch.float16, torch.float32)):
        converted = {key: value.to(dtype) if value.is_floating_point() else value for key, value in state.items()}
        assert next(build(converted).parameters()).dtype == expected


def test_the_stored_merged_kernel_does_not_matter(tiny_model, author_state):
    model, state = tiny_model(), author_state(tiny_model())
    assert any("conv5x5_reparam" in key for key in state)  # filled with nines
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(build(state)(x)["x_hat"], model(x)["x_hat"])


def test_the_copy_at_the_top_level_counts(tiny_model, author_state):
    model, state = tiny_model(), author_state(tiny_model())
    state = dict(reversed(state.items()))
    state["latent_codec.hyper.h_a.0.weight"] = torch.full_like(state["h_a.0.weight"], 5.0)
    assert_same_weights(build(state), model)
    state["latent_codec.hyper.h_a.0.weight"] = torch.zeros(3)
    with pytest.raises(ValueError, match=r"two copies of h_a\.0\.weight differ in shape"):
        build(state)


def broken(state, **changes):
    return {key: value for key, value in (state | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"g_a.1.ln1.bias": None}, r"1 missing: g_a\.1\.norm1\.bias\. Likely cause: part of the file is lost"),
        ({"lrp.0.weight": torch.zeros(1)}, r"1 unexpected: lrp\.0\.weight\. Likely cause: another codec"),
        ({"g_s.2.att.key.weight": torch.zeros(3, 3)}, r"key\.weight \[3, 3\] instead of .*other widths"),
        ({"h_a.0.weight": None, "latent_codec.hyper.h_a.0.weight": None}, "of a LALIC network: widths"),
        ({"g_a.1.ffn.key.weight": None}, r"not the state dict of a LALIC network.*key\.weight' not found"),
        ({"g_a.0.weight": torch.zeros(5, 3, 5, 5)}, r"g_a\.0\.bias \[4\] instead of \[5\]"),
        ({"g_a.0.weight": "text"}, r"'g_a\.0\.weight' is a str, not a tensor"),
    ],
)
def test_what_does_not_fit_is_an_error_that_names_it(tiny_model, author_state, changes, message):
    with pytest.raises(ValueError, match=message):
        build(broken(author_state(tiny_model()), **changes))


def test_the_weights_of_another_codec_and_no_weights_are_errors():
    for state in ({}, {"g_a.conv1.weight": torch.zeros(8, 3, 3, 3)}):
        with pytest.raises(ValueError, match="not the state dict of a LALIC network"):
            build(state)


def test_long_lists_are_cut(tiny_model):
    state = {k: v for k, v in tiny_model().state_dict().items() if not k.startswith("g_s.")}
    with pytest.raises(ValueError, match=r"g_s\.0\.weight, g_s\.0\.bias, g_s\.1\.gamma1 and \d+ more"):
        build(state)
