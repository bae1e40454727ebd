"""ELIC over CompressAI's two networks: five slices of 16, 16, 32, 64 and 192 channels, each a checkerboard.

Elic2022Chandelier is the network of the public re-implementation, whose channel context reads the first and the latest
slice; in Elic2022Official it reads all slices before, as in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from compressai import models
from torch import Tensor, nn

from adapters.shared.inference import for_inference
from lic_bench.codecs.weights import KeyTable, load_strictly, parameters_of, renames

Elic2022Chandelier, Elic2022Official = map(for_inference, (models.Elic2022Chandelier, models.Elic2022Official))
N, M = 192, 320
SMALL = {"N": 24, "M": 40, "groups": [4, 4, 8, 8, 16]}
CODEC_Y = "latent_codec.y"
SLICE_3_READS_TWO, SLICE_3_READS_ALL = 48, 64  # channels

# Outputs and inputs of the first convolution of slice 3's channel context.
VARIANTS = {
    (224, SLICE_3_READS_TWO): "the re-implementation's network (codec elic), whose channel context reads the first and "
    "the latest slice",
    (224, SLICE_3_READS_ALL): "CompressAI's Elic2022Official (codec elic-official), whose channel context reads all "
    "earlier slices",
}
OLD = "Elic2022Official of CompressAI 1.2.6 or older, whose channel context is wider; not among the codecs here"

# The re-implementation's names to CompressAI's. Its transform K-1 feeds slice K.
NAMES = KeyTable(
    renames(
        (r"^(h_a|h_s|entropy_bottleneck)\.", r"latent_codec.hyper.\1."),
        *((rf"^cc_transforms\.{k - 1}\.", f"{CODEC_Y}.channel_context.y{k}.") for k in range(1, 5)),
        (r"^context_prediction\.(\d)\.", rf"{CODEC_Y}.latent_codec.y\1.context_prediction."),
        (r"^ParamAggregation\.(\d)\.", rf"{CODEC_Y}.latent_codec.y\1.entropy_parameters."),
    )
)


def build(state: Mapping[str, Tensor] | None) -> nn.Module:
    """The re-implementation's network in eval mode.

    state: a checkpoint with the re-implementation's names or CompressAI's; None: fresh weights.
    Raises ValueError for a state that is not exactly this network's.
    """
    return _build(Elic2022Chandelier, state, SLICE_3_READS_TWO)


def build_official(state: Mapping[str, Tensor] | None) -> nn.Module:
    """CompressAI's Elic2022Official in eval mode. state: a checkpoint with its names; None: fresh weights.

    Raises ValueError for a state that is not exactly this network's.
    """
    return _build(Elic2022Official, state, SLICE_3_READS_ALL)


def small() -> nn.Module:
    """The re-implementation's network with few channels and fresh weights, for tests."""
    return Elic2022Chandelier(**SMALL).eval()


def small_official() -> nn.Module:
    """Elic2022Official with few channels and fresh weights, for tests."""
    return Elic2022Official(**SMALL).eval()


def _build(network: type[nn.Module], state: Mapping[str, Tensor] | None, inputs: int) -> nn.Module:
    model = network(N=N, M=M)
    if state is not None:
        load_strictly(model, parameters_of(state, NAMES), partial(likely_cause, inputs=inputs))
    return model.eval()


def likely_cause(parameters: Mapping[str, Tensor], inputs: int) -> str:
    """What a state that does not fit may be. inputs: channels that this network's context of slice 3 reads."""
    if "g_a.0.conv1.weight" in parameters:
        return "weights of a Cheng2020 network"
    if "g_a.0.weight" in parameters and parameters["g_a.0.weight"].shape[0] != N:
        return f"an ELIC of N={parameters['g_a.0.weight'].shape[0]}; this one has N={N}, M={M}"
    third = parameters.get(f"{CODEC_Y}.channel_context.y3.0.weight")
    if third is not None and third.shape[1] != inputs:
        return VARIANTS.get((third.shape[0], third.shape[1]), "an ELIC with another channel context")
    if third is not None and (third.shape[0], third.shape[1]) not in VARIANTS:
        return OLD
    if "g_a.14.conv_b.0.conv.0.weight" in parameters:
        return "part of the file is lost, or it was saved by other code for the same network"
    return "weights of another codec"
