"""ELIC over CompressAI's Elic2022Chandelier: five slices of 16, 16, 32, 64 and 192 channels, each a checkerboard."""

from __future__ import annotations

from collections.abc import Mapping

from compressai.models import Elic2022Chandelier
from torch import Tensor, nn

from adapters.shared.weights import load_strictly, own_state, renames

N, M = 192, 320
CODEC_Y = "latent_codec.y"

# The re-implementation's names to CompressAI's. Its transform K-1 feeds slice K.
NAMES = renames(
    (r"^(h_a|h_s|entropy_bottleneck)\.", r"latent_codec.hyper.\1."),
    *((rf"^cc_transforms\.{k - 1}\.", f"{CODEC_Y}.channel_context.y{k}.") for k in range(1, 5)),
    (r"^context_prediction\.(\d)\.", rf"{CODEC_Y}.latent_codec.y\1.context_prediction."),
    (r"^ParamAggregation\.(\d)\.", rf"{CODEC_Y}.latent_codec.y\1.entropy_parameters."),
)


def build(state: Mapping[str, Tensor] | None) -> nn.Module:
    """The network in eval mode. state: a checkpoint with the re-implementation's names or CompressAI's; None: fresh.

    Raises ValueError for a state that is not exactly this network's.
    """
    model = Elic2022Chandelier(N=N, M=M)
    if state is not None:
        load_strictly(model, own_state(state, NAMES), likely)
    return model.eval()


def likely(own: Mapping[str, Tensor]) -> str:
    """What a state that does not fit may be."""
    if "g_a.0.conv1.weight" in own:
        return "weights of a Cheng2020 network"
    if "g_a.0.weight" in own and own["g_a.0.weight"].shape[0] != N:
        return f"an ELIC of N={own['g_a.0.weight'].shape[0]}; this one has N={N}, M={M}"
    third = own.get(f"{CODEC_Y}.channel_context.y3.0.weight")
    if third is not None and third.shape[1] == 64:
        return "CompressAI's Elic2022Official, whose channel context reads all earlier slices"
    if "g_a.14.conv_b.0.conv.0.weight" in own:
        return "part of the file is lost, or it was saved by other code for the same network"
    return "weights of another codec"
