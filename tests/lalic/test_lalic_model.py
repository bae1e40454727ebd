"""The codec as a whole, on a tiny network."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch.profiler import profile

from lalic.config import LalicConfig
from lalic.model import build, small


def picture(height=128, width=192, batch=1):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def reconstruction(model, x):
    return model(x)["x_hat"].clamp(0, 1)


@pytest.mark.parametrize("size", [(64, 64), (64, 320), (192, 128)])
@pytest.mark.parametrize("inference", [False, True])
def test_a_fresh_instance_decodes_to_the_estimated_reconstruction(tiny_model, size, inference):
    model, x = tiny_model(), picture(*size)
    with torch.inference_mode(inference):
        coded = model.compress(x)
        fresh = build(model.state_dict())
        fresh.update(force=True)
        decoded = fresh.decompress(coded["strings"], list(coded["shape"]))["x_hat"]
        assert torch.equal(decoded, reconstruction(model, x))


def test_coding_is_deterministic_and_images_of_a_batch_are_coded_apart(tiny_model):
    model, x = tiny_model(), picture(batch=2)
    coded = model.compress(x)
    assert coded["strings"] == model.compress(x)["strings"]
    assert [len(strings) for strings in coded["strings"]] == [2] * 7
    decoded = model.decompress(coded["strings"], coded["shape"])["x_hat"]
    assert torch.equal(decoded, reconstruction(model, x))


def test_bytes_agree_with_the_likelihoods(tiny_model):
    model, x = tiny_model(), picture(256, 256)
    with torch.no_grad():
        estimated = sum(-math.log2(math.e) * p.log().sum().item() for p in model(x)["likelihoods"].values()) / 8
    written = sum(len(strings[0]) for strings in model.compress(x)["strings"])
    assert estimated > 500
    assert estimated * 0.99 < written < estimated * 1.01 + 64


def test_likelihoods_have_the_shapes_of_the_latents(tiny_model):
    out = tiny_model()(picture())
    assert out["x_hat"].shape == (1, 3, 128, 192)
    assert out["likelihoods"]["y"].shape == (1, 12, 8, 12)
    assert out["likelihoods"]["z"].shape == (1, 6, 2, 3)


@pytest.mark.parametrize("shape", [(1, 3, 65, 64), (1, 3, 64, 96), (1, 1, 64, 64), (3, 64, 64), (1, 3, 0, 64)])
def test_wrong_image_shapes_are_errors_that_say_what_is_allowed(tiny_model, shape):
    model = tiny_model()
    for method in (model, model.compress):
        with pytest.raises(ValueError, match="multiples of 64"):
            method(torch.zeros(shape))


def test_coding_without_tables_is_an_error_that_names_update(tiny_config):
    from lalic.model import Lalic

    with pytest.raises(ValueError, match=r"call update\(\)"):
        Lalic(tiny_config).eval().compress(picture())


def test_wrong_number_of_strings_is_an_error(tiny_model):
    with pytest.raises(ValueError, match="3 strings; LALIC writes 7"):
        tiny_model().decompress([[b""]] * 3, (1, 1))


def test_update_makes_tables_once_unless_forced(tiny_config):
    from lalic.model import Lalic

    model = Lalic(tiny_config)
    assert [model.update(), model.update(), model.update(force=True)] == [True, False, True]


def test_new_weights_after_update_are_coded_with_new_tables(tiny_model):
    model, other, x = tiny_model(), tiny_model(seed=1), picture()
    model.compress(x)
    model.load_state_dict(other.state_dict())
    model.update(force=True)
    assert model.compress(x)["strings"] == other.compress(x)["strings"]


def test_copies_and_double_precision_code_like_the_original(tiny_model):
    model, x = tiny_model(), picture()
    expected = model.compress(x)["strings"]
    assert copy.deepcopy(model).compress(x)["strings"] == expected
    double = copy.deepcopy(model).double()
    coded = double.compress(x.double())
    decoded = double.decompress(coded["strings"], coded["shape"])["x_hat"]
    assert torch.equal(decoded, reconstruction(double, x.double()))


def test_training_reaches_every_parameter(tiny_model):
    model = tiny_model().train()
    out = model(picture())
    bits = sum(-p.log2().sum() for p in out["likelihoods"].values())
    (out["x_hat"].square().sum() + bits).backward()
    without = [name for name, p in model.named_parameters() if p.grad is None]
    assert without == ["entropy_bottleneck.quantiles"]  # trained by its own loss


def test_parameters_at_inference(tiny_model):
    model = tiny_model()
    shifts = [m for m in model.modules() if type(m).__name__ == "OmniShift"]
    saved = sum(4 + m.kernel1.numel() + m.kernel3.numel() for m in shifts)
    assert model.parameters_inference() == sum(p.numel() for p in model.parameters()) - saved


def test_config_that_does_not_add_up_is_an_error(tiny_config):
    with pytest.raises(ValueError, match=r"add up to 6; y has 12"):
        replace(tiny_config, groups=(2, 4))
    with pytest.raises(ValueError, match="LALIC has 4, 3 and 2"):
        LalicConfig(depths=(1, 2))


@torch.no_grad()
@pytest.mark.parametrize("name", ["g_a", "h_a", "g_s"])
def test_a_transform_in_bfloat16_stays_so_throughout_and_close_to_float32(name):
    torch.manual_seed(0)
    model = small()
    x = picture() if name == "g_a" else model.g_a(picture())
    expected = getattr(model, name)(x)
    transform, types = getattr(model, name).bfloat16(), set()
    for module in transform.modules():
        module.register_forward_hook(lambda _module, _inputs, output: types.add(output.dtype))
    x = x.bfloat16()
    transform(x)  # merges the shifts' kernels
    with profile(record_shapes=True) as seen:
        y = transform(x)
    assert types == {torch.bfloat16}
    converted = [event.input_shapes[0] for event in seen.events() if event.name == "aten::_to_copy"]
    assert all(len(shape) <= 1 for shape in converted), converted  # T; decays and boosts, taken as float32
    noise = (y.float() - expected).square().mean() / expected.square().mean()
    assert -10 * noise.log10() > 40  # dB; 44.6, 47.6 and 45.4 were seen
