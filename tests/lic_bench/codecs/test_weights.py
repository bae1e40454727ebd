"""Strict reading of checkpoints: wrappers, prefixes, types, and what a file must not hold."""

import pytest
import torch
from torch import nn

from adapters.shared.weights import load_strictly, own_state
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.registry import resolve

STATE = {"0.weight": torch.ones(2, 3), "0.bias": torch.zeros(2)}


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2))


@pytest.mark.parametrize(
    "state",
    [
        {"state_dict": STATE},
        {"model": {"state_dict": STATE}, "epoch": 3},
        {f"module.{key}": value for key, value in STATE.items()},
        {"state_dict": {f"module.module.{key}": value for key, value in STATE.items()}},
        STATE | {"0._quantized_cdf": torch.zeros(3, dtype=torch.int32)},
    ],
    ids=["wrapped", "twice", "parallel", "both", "tables"],
)
def test_the_parameters_are_found(state):
    model = network()
    load_strictly(model, own_state(state), lambda _: "nothing")
    assert torch.equal(model[0].weight, STATE["0.weight"])


@pytest.mark.parametrize(
    "value",
    [torch.ones(2, 3).int(), torch.ones(2, 3).cfloat(), torch.full((2, 3), torch.nan), torch.full((2, 3), torch.inf)],
    ids=["integers", "complex", "nan", "infinite"],
)
def test_values_that_are_no_finite_real_numbers_are_refused(value):
    with pytest.raises(ValueError, match=r"entry '0\.weight' \(torch\.\w+\) is not of finite real numbers"):
        own_state(STATE | {"0.weight": value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"1.weight": torch.ones(1)}, "1 extra: 1.weight. Likely cause: a guess"),
        ({"0.bias": torch.ones(3)}, r"1 of another shape: 0.bias \[3\] instead of \[2\]"),
    ],
)
def test_keys_and_shapes_have_to_agree(change, said):
    with pytest.raises(ValueError, match=said):
        load_strictly(network(), own_state(STATE | change), lambda _: "a guess")


def test_a_float64_state_makes_a_float64_network():
    model = network()
    load_strictly(model, own_state({key: value.double() for key, value in STATE.items()}), lambda _: "")
    assert model[0].weight.dtype == torch.float64


def test_a_codec_takes_images_in_float32_whatever_its_weights_were_saved_in(tmp_path):
    spec = resolve("cheng2020-parallel")
    network = load_codec(spec, 1, None, torch.device("cpu")).codec.module
    torch.save(
        {key: v.double() if v.is_floating_point() else v for key, v in network.state_dict().items()}, tmp_path / "w"
    )
    codec = load_codec(spec, 1, tmp_path / "w", torch.device("cpu")).codec
    assert codec.decompress(codec.compress(torch.rand(1, 3, 20, 30))).dtype == torch.float32
