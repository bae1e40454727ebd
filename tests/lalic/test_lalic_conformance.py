"""The released network, weights made by rule, against the authors' code: every number in float64."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from lalic.codec import LALIC as SPEC
from lalic.model import build


@pytest.fixture(scope="module")
def golden(conformance):
    """The authors' numbers, our network with the same weights, and what it makes of the same picture."""
    expected, arrays = conformance.expected("lalic")
    model = build(conformance.state_dict("lalic", **expected["weights"]))
    with Image.open(conformance.HERE / expected["input"]) as image:
        pixels = np.array(image.convert("RGB"))
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 255
    taps = _tap(model)
    with torch.inference_mode():
        out = model(x)
    arrays = {key: torch.from_numpy(value) for key, value in arrays.items()}
    model.update(force=True)
    return SimpleNamespace(expected=expected, arrays=arrays, model=model, x=x, taps=taps, out=out)


def _tap(model):
    """Stage name -> output of every stage of the four transforms, filled by the next forward."""
    taps = {}
    for transform in ("g_a", "h_a", "h_s", "g_s"):
        for name, stage in getattr(model, transform).named_children():
            stage.register_forward_hook(lambda _m, _i, out, key=f"{transform}.{name}": taps.__setitem__(key, out))
    return taps


def bits(likelihoods):
    return -likelihoods.log2().sum().item()


def test_weights_are_read_in_double_precision_and_all_used(golden):
    assert all(p.dtype == torch.float64 for p in golden.model.parameters())
    # the authors' 66,133,045 count each Omni-Shift's derived kernel
    derived = sum(b.numel() for name, b in golden.model.named_buffers() if name.endswith("merged.weight"))
    assert sum(p.numel() for p in golden.model.parameters()) + derived == 66_133_045
    assert round(golden.model.parameters_inference() / 1e6, 3) == 65.416


def test_every_stage(golden):
    stages = golden.expected["details"]["taps"]
    assert set(stages) == set(golden.taps)
    for name, stage in stages.items():
        got = golden.taps[name]
        assert list(got.shape) == stage["shape"]
        assert got.mean().item() == pytest.approx(stage["mean"], rel=1e-9, abs=1e-12), name
        assert got.std().item() == pytest.approx(stage["std"], rel=1e-9), name
        first = got.contiguous().flatten()[:8].tolist()
        assert first == pytest.approx(stage["first8"], rel=1e-9, abs=1e-12), name


def test_latents_and_reconstruction(golden):
    got = {"y": golden.taps["g_a.15"], "z": golden.taps["h_a.7"], "hyper_params": golden.taps["h_s.7"]}
    got["x_hat"] = golden.out["x_hat"]
    for name, value in got.items():
        torch.testing.assert_close(value, golden.arrays[name].double(), rtol=2e-7, atol=2e-7)


def test_bits(golden):
    expected, likelihoods = golden.expected["bits"], golden.out["likelihoods"]
    assert bits(likelihoods["y"]) == pytest.approx(expected["y"], rel=1e-9)
    assert bits(likelihoods["z"]) == pytest.approx(expected["z"], rel=1e-9)
    slices = [bits(part) for part in likelihoods["y"].split(golden.model.config.groups, 1)]
    assert slices == pytest.approx(expected["y_slices"], rel=1e-9)


def test_strings_are_the_authors_bytes(golden):
    strings = golden.model.compress(golden.x)["strings"]
    assert [len(string) for [string] in strings] == [entry["bytes"] for entry in golden.expected["strings"]]
    digests = [hashlib.sha256(string).hexdigest() for [string] in strings]
    assert digests == [entry["sha256"] for entry in golden.expected["strings"]]


def test_the_authors_strings_decode_to_their_latents_and_reconstruction(golden):
    names = [entry["name"] for entry in golden.expected["strings"]]
    strings = [[golden.arrays[f"{name}_string"].numpy().tobytes()] for name in names]
    received = []
    handle = golden.model.g_s.register_forward_pre_hook(lambda _m, args: received.append(args[0]))
    x_hat = golden.model.decompress(strings, golden.arrays["z"].shape[2:])["x_hat"]
    handle.remove()
    torch.testing.assert_close(received[0], golden.arrays["y_hat"].double(), rtol=2e-7, atol=2e-6)
    torch.testing.assert_close(x_hat, golden.arrays["x_hat"].double().clamp(0, 1), rtol=0, atol=2e-7)
    assert torch.equal(x_hat, golden.out["x_hat"].clamp(0, 1))


def test_spec_names_this_network():
    assert SPEC.load == f"{build.__module__}:{build.__name__}"
    assert [SPEC.checkpoints[q].file for q in SPEC.qualities] == [f"lalic-mse-q{q}.pth" for q in range(1, 7)]
