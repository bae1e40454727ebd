"""One thread for the networks of these tests, whose pictures are tiny; the golden run of a channel-wise codec."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image as pil


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def check_golden_run(conformance):
    """Every number of the authors' code: bits, tensors, strings, and their strings decoded by a fresh instance."""

    @torch.no_grad()
    def check(codec, build):
        expected, arrays = conformance.expected(codec)
        with pil.open(conformance.HERE / expected["input"]) as picture:
            pixels = np.array(picture.convert("RGB"))
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 255
        state = conformance.state_dict(codec, **expected["weights"])
        model = build(state)
        model.update(force=True)

        kept = {"slices": []}
        model.g_s.register_forward_pre_hook(lambda _, inputs: kept.update(y_hat=inputs[0]))
        model.h_a.register_forward_hook(lambda _, inputs, out: kept.update(y=inputs[0], z=out))
        model.gaussian_conditional.register_forward_hook(lambda _, __, out: kept["slices"].append(out[1]))
        out = model(x)
        passes = np.array([-likelihoods.log2().sum().item() for likelihoods in kept["slices"]])
        slices = passes.reshape(len(expected["bits"]["y_slices"]), -1).sum(1)
        bits = {name: -likelihoods.log2().sum().item() for name, likelihoods in out["likelihoods"].items()}
        assert slices == pytest.approx(expected["bits"]["y_slices"], rel=1e-9)
        assert bits == pytest.approx({name: expected["bits"][name] for name in bits}, rel=1e-9)
        for name, value in (("y", kept["y"]), ("z", kept["z"]), ("y_hat", kept["y_hat"]), ("x_hat", out["x_hat"])):
            np.testing.assert_allclose(value, arrays[name], rtol=2e-6, atol=2e-6, err_msg=name)

        coded = model.compress(x)
        found = [hashlib.sha256(string).hexdigest() for (string,) in coded["strings"]]
        assert found == [string["sha256"] for string in expected["strings"]]
        fresh = build(state)
        fresh.update(force=True)
        stored = [[arrays[f"{string['name']}_string"].tobytes()] for string in expected["strings"]]
        decoded = fresh.decompress(stored, coded["shape"])["x_hat"]
        assert (decoded - out["x_hat"].clamp(0, 1)).abs().max() < 1e-12

    return check
