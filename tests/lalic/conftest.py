"""A LALIC small enough to run in milliseconds, and its weights under the authors' key names."""

import re

import pytest
import torch

from lalic.config import LalicConfig
from lalic.model import Lalic

TINY = LalicConfig(
    widths=(4, 6, 8, 12),
    depths=(1, 1, 2),
    hyper_widths=(8, 6),
    hyper_depth=1,
    groups=(2, 4, 6),
    context_ratio=2,
    aggregation_range=(10, 28),
)


def tiny_model(seed=0, config=TINY):
    """Eval mode, tables made, weights random but such that y spreads over many symbols."""
    torch.manual_seed(seed)
    model = Lalic(config).eval()
    with torch.no_grad():
        model.g_a[-1].weight.mul_(4)
        model.h_a[-1].weight.mul_(4)
        for group in model.context.groups:
            group.aggregation[-1].mix.bias.add_(1)  # scales to match
    model.update(force=True)
    return model


def author_name(name):
    """The authors' key for one of our parameters."""
    rules = [
        (r"^context\.groups\.(\d)\.channel\.", r"latent_codec.y.channel_context.y\1."),
        (r"^context\.groups\.(\d)\.spatial\.", r"latent_codec.y.latent_codec.y\1.context_prediction."),
        (r"^context\.groups\.(\d)\.aggregation\.0\.", r"latent_codec.y.latent_codec.y\1.entropy_parameters.0."),
        (r"^context\.groups\.(\d)\.aggregation\.1\.", r"latent_codec.y.latent_codec.y\1.entropy_parameters.2."),
        (r"^context\.groups\.(\d)\.aggregation\.2\.", r"latent_codec.y.latent_codec.y\1.entropy_parameters.4."),
        (r"^entropy_bottleneck\.", "latent_codec.hyper.entropy_bottleneck."),
        (r"\.channel_mix\.mlp\.", ".ffn."),
        (r"\.mlp\.", "."),
        (r"\.spatial_mix\.", ".att."),
        (r"\.channel_mix\.", ".ffn."),
        (r"\.norm([12])\.", r".ln\1."),
        (r"\.shift\.kernel(\d)$", r".omni_shift.conv\1x\1.weight"),
        (r"\.shift\.", ".omni_shift."),
    ]
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def author_state(model):
    """The model's parameters as the authors' files hold them, doubled entries and derived buffers included."""
    state = {}
    for name, value in model.named_parameters():
        value = value.detach().clone()
        key = author_name(name)
        state[key] = value[:, :, None, None] if key.endswith(".mix.weight") else value
        if key.endswith(".omni_shift.conv5x5.weight"):
            state[key.replace("conv5x5", "conv5x5_reparam")] = torch.full_like(value, 9.0)
    for key in [key for key in state if key.startswith(("h_a.", "h_s."))]:
        state[f"latent_codec.hyper.{key}"] = state[key].clone()
    state["latent_codec.hyper.entropy_bottleneck._offset"] = torch.IntTensor()
    state["latent_codec.hyper.entropy_bottleneck.target"] = torch.zeros(3)
    state["latent_codec.y.latent_codec.y0.context_prediction.mask"] = torch.ones(4, 2, 5, 5)
    state["latent_codec.y.latent_codec.y0.y.gaussian_conditional.scale_table"] = torch.zeros(64)
    return state


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Tiny tensors gain nothing from threads, and on a busy machine waiting for them costs most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(name="tiny_model")
def tiny_model_fixture():
    """make(seed=0, config=TINY) -> Lalic."""
    return tiny_model


@pytest.fixture(name="author_state")
def author_state_fixture():
    """state_of(model) -> state dict under the authors' keys."""
    return author_state


@pytest.fixture(name="tiny_config")
def tiny_config_fixture():
    return TINY
