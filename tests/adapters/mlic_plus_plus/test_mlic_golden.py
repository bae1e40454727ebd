"""MLIC++ in both layouts against the numbers of the authors' own code."""

import functools
import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image as pil

from adapters.mlic_plus_plus.model import build

pytestmark = pytest.mark.slow

PRESENT, OLD = "mlic-plus-plus", "mlic-plus-plus-old"


class Golden:
    """One layout with the authors' keys and deterministic float64 weights, and what it must give."""

    def __init__(self, conformance, name):
        self.expected = json.loads((conformance.HERE / f"{name}.json").read_text())
        self.entries = json.loads((conformance.HERE / f"{name}.state.json").read_text())
        self.state = conformance.state_dict(name, **self.expected["weights"])
        self.model = build(self.state)
        self.model.update(force=True)
        with pil.open(conformance.HERE / self.expected["input"]) as picture:
            pixels = np.array(picture.convert("RGB"))
        self.x = torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 255

    @functools.cached_property
    def outputs(self):
        """What every module gives, by name, and y_hat, x_hat and the likelihoods of y and z."""
        seen = {}
        modules = [(name, module) for name, module in self.model.named_modules() if name]
        hooks = [m.register_forward_hook(lambda _m, _x, out, name=n: seen.update({name: out})) for n, m in modules]
        hooks.append(self.model.g_s.register_forward_pre_hook(lambda _, y_hat: seen.update(y_hat=y_hat[0])))
        with torch.no_grad():
            result = self.model(self.x)
        for hook in hooks:
            hook.remove()
        return seen | result


@pytest.fixture(scope="module")
def present(conformance):
    return Golden(conformance, PRESENT)


@pytest.fixture(scope="module", params=[PRESENT, OLD])
def golden(request, conformance):
    return request.getfixturevalue("present") if request.param == PRESENT else Golden(conformance, OLD)


def test_the_state_dict_has_the_authors_keys_and_shapes(golden):
    wanted = {key: tuple(shape) for key, shape, *_ in golden.entries["state"]}
    found = {key: tuple(value.shape) for key, value in golden.model.state_dict().items()}
    assert found.keys() == wanted.keys()
    tables = ("_offset", "_quantized_cdf", "_cdf_length", "scale_table")  # empty before update()
    assert {k: v for k, v in found.items() if not k.endswith(tables) and v != wanted[k]} == {}
    assert sum(p.numel() for p in golden.model.parameters()) == golden.entries["parameters"]


def test_bits_and_the_output_of_every_stage(golden):
    likelihoods = golden.outputs["likelihoods"]
    bits = {name: -value.log2().sum().item() for name, value in likelihoods.items()}
    by_slice = [-part.log2().sum().item() for part in likelihoods["y"].split(32, 1)]
    assert bits == pytest.approx({name: golden.expected["bits"][name] for name in bits}, rel=1e-9)
    assert by_slice == pytest.approx(golden.expected["bits"]["y_slices"], rel=1e-9)
    details = golden.expected["details"]
    groups = (*details["modules"].values(), details["context_modules"])
    stages = [(name, stage) for group in groups for name, stage in group.items()]
    for name, stage in stages:
        out = golden.outputs[name]
        found = [out.mean(), out.std(), out.abs().max(), *out.flatten()[:8]]
        assert list(out.shape) == stage["shape"], name
        wanted = [stage["mean"], stage["std"], stage["absmax"], *stage["first8"]]
        assert [v.item() for v in found] == pytest.approx(wanted, rel=1e-9, abs=1e-11), name
    assert len(stages) == 54


def test_every_array(conformance, present):
    _, arrays = conformance.expected(PRESENT)
    for name, key in {"y": "g_a", "z": "h_a", "y_hat": "y_hat", "x_hat": "x_hat"}.items():
        np.testing.assert_allclose(present.outputs[key], arrays[name], rtol=2e-6, atol=2e-6, err_msg=name)


def test_strings_are_the_authors_and_theirs_are_decoded(conformance, present):
    expected, arrays = conformance.expected(PRESENT)
    coded = present.model.compress(present.x)
    found = [hashlib.sha256(string).hexdigest() for (string,) in coded["strings"]]
    assert found == [string["sha256"] for string in expected["strings"]]
    decoder = build(present.state)
    decoder.update(force=True)
    theirs = [[arrays["y_string"].tobytes()], [arrays["z_string"].tobytes()]]
    x_hat = decoder.decompress(theirs, coded["shape"])["x_hat"]
    np.testing.assert_allclose(x_hat, arrays["x_hat"].clip(0, 1), rtol=2e-6, atol=2e-6)
    assert torch.equal(x_hat, present.outputs["x_hat"].clamp(0, 1))
