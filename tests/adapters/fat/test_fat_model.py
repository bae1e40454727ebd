"""FAT with few channels: what it codes comes back, and what does not fit is said."""

import math

import numpy as np
import pytest
import torch

from adapters.fat.model import build

SIZE = (1, 3, 128, 256)


@pytest.mark.parametrize("entropy_coder", ["rans", "range-coder"])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
@torch.no_grad()
def test_a_fresh_instance_decodes_what_forward_gives(tiny, dtype, close, entropy_coder):
    encoder, decoder = tiny().to(dtype), tiny().to(dtype)
    encoder.entropy_coder = decoder.entropy_coder = entropy_coder
    x = torch.rand(2, *SIZE[1:], dtype=dtype)
    coded = encoder.compress(x)
    x_hat = decoder.decompress(coded["strings"], coded["shape"])["x_hat"]
    torch.testing.assert_close(x_hat, encoder(x)["x_hat"].clamp(0, 1), rtol=0, atol=close)


@torch.no_grad()
def test_the_strings_are_as_long_as_the_likelihoods_say(tiny):
    model, x = tiny(), torch.rand(SIZE)
    (y_string,), (z_string,) = model.compress(x)["strings"]
    likelihoods = model(x)["likelihoods"]
    floored = likelihoods["y"].clamp_min(2**-16)  # what random weights do not foresee costs no more
    assert -floored.log2().sum().item() / 8 == pytest.approx(len(y_string), rel=0.01)
    assert -likelihoods["z"].log2().sum().item() / 8 == pytest.approx(len(z_string), rel=0.05, abs=16)


@torch.no_grad()
def test_y_is_rounded_without_its_mean_and_refined_by_at_most_a_half(tiny):
    model, x = tiny(), torch.rand(SIZE)
    received = []
    model.g_s.register_forward_pre_hook(lambda _m, args: received.append(args[0]))
    model(x)
    correction = received[0] - model.g_a(x).round()
    assert 0.01 < correction.abs().max() <= 0.5


def test_training_noise_is_in_the_likelihoods_only_and_gradients_reach_every_parameter(tiny):
    model, x = tiny().train(), torch.rand(SIZE)
    out, again = model(x), model(x)
    assert torch.equal(out["x_hat"], again["x_hat"])
    assert not torch.equal(out["likelihoods"]["y"], again["likelihoods"]["y"])
    (out["x_hat"].square().mean() - sum(part.log().mean() for part in out["likelihoods"].values())).backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert without == {"tca.TCA.start_token", "entropy_bottleneck.quantiles"}


@pytest.mark.parametrize(
    "shape", [(1, 3, 64, 128), (1, 3, 128, 130), (1, 1, 128, 128), (3, 128, 128), (0, 3, 128, 128)]
)
def test_an_image_that_does_not_fit_is_refused(tiny, shape):
    model, x = tiny(), torch.zeros(shape)
    for method in (model, model.compress):
        with pytest.raises(ValueError, match=r"FAT takes \[B, 3, H, W\], H and W multiples of 128"):
            method(x)


def test_streams_that_do_not_fit_are_refused(tiny):
    model = tiny()
    with pytest.raises(ValueError, match="1 strings; FAT writes 2"):
        model.decompress([[b""]], (2, 2))
    coded = model.compress(torch.rand(SIZE))
    model.entropy_coder = "range-coder"
    with pytest.raises(ValueError, match="set entropy_coder to the one that coded"):
        model.decompress(coded["strings"], coded["shape"])


def test_coding_before_update_is_refused():
    model = build(None)
    with pytest.raises(ValueError, match=r"call update\(\) first"):
        model.compress(torch.zeros(SIZE))
    with pytest.raises(ValueError, match=r"call update\(\) first"):
        model.decompress([[b""], [b""]], (2, 2))


@pytest.fixture(scope="module")
def fresh():
    return build(None).state_dict()


def test_our_own_state_loads_again_in_its_precision(fresh):
    again = build(fresh)
    assert all(torch.equal(p, fresh[name]) for name, p in again.named_parameters())
    assert again.g_a[0].conv1.weight.dtype == torch.float32


def test_the_parameters_are_as_many_as_the_authors_have():
    assert sum(p.numel() for p in build(None).parameters()) == 70_961_036


def without(state, *prefixes):
    return {key: value for key, value in state.items() if not key.startswith(prefixes)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: without(s, "g_s.9."), r"2 missing: g_s.9.0.weight, g_s.9.0.bias\. Likely cause: part of the file"),
        (lambda s: s | {"lrp.0.weight": torch.zeros(1)}, "1 unexpected: lrp.0.weight"),
        (
            lambda s: s | {"g_a.0.conv1.weight": torch.zeros(192, 3, 3, 3)},
            "first width is 192; this one has 96",
        ),
        (lambda s: without(s, "tca."), "weights of another codec"),
        (lambda s: {}, r"\d+ missing: .* and \d+ more\. Likely cause: weights of another codec"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_the_likely_cause(fresh, change, said):
    with pytest.raises(ValueError, match=said):
        build(change(dict(fresh)))


def test_the_scale_bound_is_that_of_single_precision(tiny):
    model = tiny().double()
    q, means = torch.zeros(1).double(), torch.full((1,), 0.49, dtype=torch.float64)
    bound = float(np.float32(0.01))
    expected = 0.5 * math.erfc(-0.01 / bound / math.sqrt(2)) - 0.5 * math.erfc(0.99 / bound / math.sqrt(2))
    assert model.gaussian_conditional(q, torch.zeros(1).double(), means).item() == pytest.approx(expected, rel=1e-12)
