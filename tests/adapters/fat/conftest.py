"""A FAT of few channels, and the released network with the golden weights."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from adapters.fat.model import build, small


def tiny(seed=0):
    """Tables made, float32, weights random but such that y and its scales spread over many values."""
    torch.manual_seed(seed)
    model = small()
    with torch.no_grad():
        model.g_a[-1].weight.mul_(8)
        model.h_a[-1].weight.mul_(8)
        model.tca.entropy_parameters_net[-1].weight.mul_(8)
        model.tca.entropy_parameters_net[-1].bias[1::3].add_(1)  # the scales
        for name, parameter in model.named_parameters():
            if name.endswith(("bias_table", "complex_weight")):
                parameter.add_(0.3 * torch.randn_like(parameter))
    model.update(force=True)
    return model


@pytest.fixture(name="tiny")
def tiny_fixture():
    """make(seed=0) -> Fat."""
    return tiny


@pytest.fixture(scope="package")
def golden(conformance):
    """The authors' numbers, our network with the same weights, and what it makes of the same picture."""
    expected, arrays = conformance.expected("fat")
    model = build(conformance.state_dict("fat", **expected["weights"]))
    with Image.open(conformance.HERE / expected["input"]) as image:
        pixels = np.array(image.convert("RGB"))
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 255
    taps, handles = tapped(model, expected["details"]["layers"])
    with torch.no_grad():
        out = model(x)
    for handle in handles:
        handle.remove()
    arrays = {key: torch.from_numpy(value) for key, value in arrays.items()}
    model.update(force=True)
    return SimpleNamespace(expected=expected, arrays=arrays, model=model, x=x, taps=taps, out=out)


def tapped(model, names):
    """(name -> output of that module, filled by the next forward; the hooks)."""
    taps = {}

    def tap(name, module):
        return module.register_forward_hook(lambda _m, _i, out: taps.__setitem__(name, out.clone()))

    return taps, [tap(name, module) for name, module in model.named_modules() if name in names]
