"""ELIC against the numbers of the re-implementation's own code, and what is said where weights do not fit."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image as pil

from adapters.elic.model import build, build_official, small_official
from lic_bench.measurement.complexity import count_complexity


@pytest.fixture(scope="module")
def state(conformance):
    """The authors' keys with deterministic float64 values."""
    return conformance.state_dict("elic", **conformance.expected("elic")[0]["weights"])


@pytest.fixture(scope="module")
def model(state):
    model = build(state)
    model.update(force=True)
    return model


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)  # CompressAI's latent codecs make zeros of the default type
    yield
    torch.set_default_dtype(torch.float32)


@torch.no_grad()
def test_every_number_of_the_re_implementation_comes_out(conformance, model, state, float64):
    expected, arrays = conformance.expected("elic")
    with pil.open(conformance.HERE / expected["input"]) as picture:
        pixels = np.array(picture.convert("RGB"))
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 255
    kept = []
    hooks = [
        model.g_a.register_forward_hook(lambda _, __, y: kept.append(y)),
        model.latent_codec["hyper"].h_a.register_forward_hook(lambda _, __, z: kept.append(z)),
        model.g_s.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0])),
    ]
    out = model(x)
    for hook in hooks:
        hook.remove()
    for name, likelihoods in out["likelihoods"].items():
        bits = -likelihoods.log2().sum().item()
        assert bits == pytest.approx(expected["bits"][name], rel=1e-9), name
    slices = out["likelihoods"]["y"].split(model.groups, 1)
    assert [-part.log2().sum().item() for part in slices] == pytest.approx(expected["bits"]["y_slices"], rel=1e-9)
    kept = dict(zip(("y", "z", "y_hat"), kept, strict=True)) | {"x_hat": out["x_hat"]}
    for name, value in kept.items():
        np.testing.assert_allclose(value, arrays[name], rtol=2e-6, atol=2e-6, err_msg=name)
    coded = model.compress(x)
    found = [hashlib.sha256(string).hexdigest() for (string,) in coded["strings"]]
    assert found == [string["sha256"] for string in expected["strings"]]
    fresh = build(state)
    fresh.update(force=True)
    stored = [[arrays[f"{string['name']}_string"].tobytes()] for string in expected["strings"]]
    decoded = fresh.decompress(stored, coded["shape"])["x_hat"]
    np.testing.assert_allclose(decoded, out["x_hat"].clamp(0, 1), atol=1e-12)


def test_wrapped_prefixed_and_old_names_load_alike(state):
    old = {"matrices": "_matrix", "biases": "_bias", "factors": "_factor"}
    renamed = {}
    for key, value in state.items():
        for new, before in old.items():
            key = key.replace(f"entropy_bottleneck.{new}.", f"entropy_bottleneck.{before}")
        renamed[f"module.{key}"] = value
    again = build({"epoch": 3, "state_dict": renamed})
    assert sum("_matrix" in key for key in renamed) == 5
    assert all(torch.equal(a, b) for a, b in zip(build(state).parameters(), again.parameters(), strict=True))


def test_compressai_s_own_state_dict_loads_with_tables_of_any_size(model):
    again = build(model.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


@pytest.fixture(scope="module")
def fresh():
    return build(None).state_dict()


def test_a_float32_state_stays_float32(fresh):
    assert build(fresh).g_a[0].weight.dtype == torch.float32


def without(state, *prefixes):
    return {k: v for k, v in state.items() if not k.startswith(prefixes)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda s: without(s, "g_a.0."),
            r"2 missing: g_a.0.weight, g_a.0.bias\. Likely cause: part of the file is lost",
        ),
        (lambda s: s | {"lrp.0.weight": torch.zeros(1)}, r"1 unexpected: lrp.0.weight"),
        (lambda s: s | {"g_a.0.weight": torch.zeros(128, 3, 5, 5)}, r"g_a.0.weight \[128, 3, 5, 5\].* N=128"),
        (
            lambda s: s | {"latent_codec.y.channel_context.y3.0.weight": torch.zeros(224, 64, 5, 5)},
            "Elic2022Official",
        ),
        (lambda s: without(s, "g_") | {"g_a.0.conv1.weight": torch.zeros(1)}, "Cheng2020"),
        (lambda s: {}, r"\d+ missing: .* and \d+ more\. Likely cause: weights of another codec"),
        (lambda s: s | {"g_a.0.weight": 3}, "entry 'g_a.0.weight' is a int, not a tensor"),
        (lambda s: s | {"h_a.0.weight": torch.zeros(1)}, "latent_codec.hyper.h_a.0.weight is there twice"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_the_likely_cause(fresh, change, said):
    with pytest.raises(ValueError, match=said):
        build(change(dict(fresh)))


def test_the_parameters_are_as_many_as_the_re_implementation_has():
    assert sum(p.numel() for p in build(None).parameters()) == 33_792_771


@pytest.mark.parametrize(
    ("make", "macs", "parameters"),
    [(build, 326_782_550_016, 31_655_619), (build_official, 321_975_877_632, 29_937_048)],
)
def test_thop_counts_what_the_notes_say(make, macs, parameters):
    (thop,) = count_complexity(make(None), "elic", 1, 64, 64, wanted=(("thop", "forward"),))
    assert (thop.macs * 96, thop.parameters) == (macs, parameters)


def test_the_two_networks_tell_each_other_s_weights():
    official = build_official(None).state_dict()
    again = build_official({"state_dict": {f"module.{key}": value for key, value in official.items()}})
    assert torch.equal(again.g_a[0].weight, official["g_a.0.weight"])
    with pytest.raises(ValueError, match=r"Elic2022Official \(codec elic-official\)"):
        build(official)
    with pytest.raises(ValueError, match=r"the re-implementation's network \(codec elic\)"):
        build_official(build(None).state_dict())
    with pytest.raises(ValueError, match="an ELIC of N=24"):
        build_official(small_official().state_dict())
