"""MambaVC's transforms against the numbers of the authors' code in float64, and against what thop counted."""

import json
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from adapters.mambavc.blocks import Sizes, VssBlock, analysis, hyper_analysis, hyper_synthesis, synthesis

BUILDERS = {
    "g_a": analysis,
    "h_a": hyper_analysis,
    "h_mean_s": hyper_synthesis,
    "h_scale_s": hyper_synthesis,
    "g_s": synthesis,
}
SMALL = Sizes(width=32, latent=40, hyper=24, depths=(1, 1, 1, 1))


@pytest.fixture(scope="module")
def golden(conformance):
    """The authors' figures and arrays."""
    return conformance.expected("mambavc")


@pytest.fixture(scope="module")
def state(conformance, golden):
    """The authors' keys with deterministic float64 values."""
    return conformance.state_dict("mambavc", **golden[0]["weights"])


def part(state, name):
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}


def loaded(state, name):
    module = BUILDERS[name](Sizes()).double().eval()
    module.load_state_dict(part(state, name))
    return module


def picture(conformance, name):
    with Image.open(conformance.HERE / name) as image:
        pixels = np.array(image.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 255


def check(got, stage, name):
    """A value against the statistics of the authors' one; `stage` may have its pixels in one axis."""
    assert got.numel() == np.prod(stage["shape"]), name
    assert got.mean().item() == pytest.approx(stage["mean"], rel=1e-9, abs=1e-12), name
    assert got.std().item() == pytest.approx(stage["std"], rel=1e-9), name
    assert got.abs().max().item() == pytest.approx(stage["absmax"], rel=1e-9), name
    assert got.flatten()[:8].tolist() == pytest.approx(stage["first8"], rel=1e-9, abs=1e-12), name


@torch.inference_mode()
def test_the_first_block_and_its_inside(conformance, golden, state):
    details = golden[0]["details"]
    convolution, block = loaded(state, "g_a")[:2]
    inside = details["first_block_inside"]
    seen = set()
    for name, module in block.named_modules(prefix="g_a.1"):
        if name in inside:  # compared at once: what follows works in the same memory
            module.register_forward_hook(
                lambda _m, _i, out, name=name: seen.add(check(out, inside[name], name) or name)
            )
    x = convolution(picture(conformance, golden[0]["input"]))
    check(x, details["modules"]["g_a"]["g_a.0"], "g_a.0")
    check(block(x), details["modules"]["g_a"]["g_a.1"], "g_a.1")
    assert seen == set(inside)


@pytest.mark.slow
@torch.inference_mode()
def test_every_stage_of_the_encoder(conformance, golden, state):
    expected, arrays = golden
    stages = expected["details"]["input_png_transforms_only"]["modules"]
    x = picture(conformance, "input.png")
    for name, result in (("g_a", "y_input_png"), ("h_a", "z_input_png")):
        for number, module in enumerate(loaded(state, name)):
            x = module(x)
            check(x, stages[name][f"{name}.{number}"], f"{name}.{number}")
        np.testing.assert_allclose(x, arrays[result], rtol=2e-7, atol=2e-7, err_msg=result)


@torch.inference_mode()
def test_the_hyper_encoder(golden, state):
    """From y as it is stored, in float32: hence only to 1e-5."""
    z = loaded(state, "h_a")(torch.from_numpy(golden[1]["y"]).double())
    np.testing.assert_allclose(z, golden[1]["z"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", BUILDERS)
def test_keys_are_the_authors_in_their_order(conformance, name):
    entries = json.loads((conformance.HERE / "mambavc.state.json").read_text())["state"]
    wanted = [(key.removeprefix(f"{name}."), shape) for key, shape, *_ in entries if key.startswith(f"{name}.")]
    with torch.device("meta"):
        own = BUILDERS[name](Sizes()).state_dict()
    assert [(key, list(value.shape)) for key, value in own.items()] == wanted


@pytest.mark.parametrize("name", BUILDERS)
def test_thop_counts_what_the_paper_printed(conformance, name):
    """At 512 x 768, on the meta device: nothing is computed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from thop import profile
    shapes = {"g_a": (3, 512, 768), "h_a": (320, 32, 48), "g_s": (320, 32, 48)}
    expected = json.loads((conformance.HERE / "mambavc.complexity.json").read_text())[0]["per_child"][name]
    with torch.device("meta"):
        module = BUILDERS[name](Sizes()).eval()
    x = torch.empty(1, *shapes.get(name, (192, 8, 12)), device="meta")
    with torch.no_grad():
        macs, parameters = profile(module, inputs=(x,), verbose=False)
    assert (macs, parameters) == (expected["macs"], expected["params"])


@torch.inference_mode()
def test_a_small_network_of_other_sizes():
    torch.manual_seed(0)
    x = torch.rand(2, 3, 64, 128)
    y = analysis(SMALL).eval()(x)
    z = hyper_analysis(SMALL).eval()(y)
    means, x_hat = hyper_synthesis(SMALL).eval()(z), synthesis(SMALL).eval()(y)
    assert [list(t.shape) for t in (y, z, means, x_hat)] == [
        [2, 40, 4, 8],
        [2, 24, 1, 2],
        [2, 40, 4, 8],
        [2, 3, 64, 128],
    ]
    assert all(t.isfinite().all() for t in (y, z, means, x_hat))


def test_a_block_sees_the_whole_picture_and_keeps_its_input():
    torch.manual_seed(0)
    block, x = VssBlock(32).double().eval(), torch.randn(1, 32, 6, 5, dtype=torch.float64)
    before, changed = x.clone(), x.clone()
    changed[0, :, 0, 0] *= -1
    with torch.inference_mode():
        difference = (block(changed) - block(x)).abs().amax((0, 1))
    assert torch.equal(x, before)
    assert (difference > 0).all()


def test_steps_begin_between_a_thousandth_and_a_tenth():
    steps = torch.nn.functional.softplus(VssBlock(64).op.dt_projs_bias.detach())
    assert steps.min() > 0.999e-3
    assert steps.max() < 0.1001
    assert steps.log().std() == pytest.approx(np.log(100) / 12**0.5, rel=0.1)  # that of a log-uniform value
