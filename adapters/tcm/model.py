"""TCM in its three sizes: 64, 96 and 128 channels in each half of a block."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from adapters.shared.channelwise import ChannelwiseCodec, SliceConfig
from adapters.tcm.transforms import analysis, hyper_analysis, hyper_synthesis, synthesis
from lic_bench.codecs.weights import load_strictly, parameters_of

SIZES = {64: "small", 96: "middle", 128: "large"}
HYPER = 192


class Tcm(ChannelwiseCodec):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 128."""

    name = "TCM"
    multiple = 128

    def __init__(self, half: int, hyper: int = HYPER, slicing: SliceConfig | None = None) -> None:
        slicing = slicing or SliceConfig()
        super().__init__(hyper, slicing)
        self.g_a = analysis(half, slicing.latent)
        self.g_s = synthesis(half, slicing.latent)
        self.h_a = hyper_analysis(half, slicing.latent, hyper)
        self.h_mean_s = hyper_synthesis(half, slicing.latent, hyper)
        self.h_scale_s = hyper_synthesis(half, slicing.latent, hyper)


def build(state: Mapping[str, Tensor] | None, half: int) -> nn.Module:
    """The network in eval mode. state: a checkpoint with the authors' names; None: fresh weights.

    Raises ValueError for a state that is not exactly this network's.
    """
    model = Tcm(half)
    if state is not None:
        load_strictly(model, parameters_of(state), partial(likely_cause, half=half))
    return model.eval()


def build_large(state: Mapping[str, Tensor] | None) -> nn.Module:
    """`build` with N = 128."""
    return build(state, 128)


def build_middle(state: Mapping[str, Tensor] | None) -> nn.Module:
    """`build` with N = 96."""
    return build(state, 96)


def build_small(state: Mapping[str, Tensor] | None) -> nn.Module:
    """`build` with N = 64."""
    return build(state, 64)


def small() -> nn.Module:
    """The same network with few channels and fresh weights, for tests."""
    return Tcm(32, 24, SliceConfig(latent=40, inner=(16, 12), attention=(16, 8))).eval()


def likely_cause(parameters: Mapping[str, Tensor], half: int) -> str:
    """What a state that does not fit may be."""
    first = parameters.get("g_a.0.conv1.weight")
    if first is None or "g_a.1.trans_block.ln1.weight" not in parameters:
        return "weights of another codec"
    if "h_mean_s.0.subpel_conv.0.weight" not in parameters or "atten_mean.0.0.in_conv.weight" not in parameters:
        return "part of the file is lost, or another codec on TCM's transforms"
    own_half = first.shape[0] // 2
    if own_half != half:
        codec = f"codec tcm-{SIZES[own_half]}" if own_half in SIZES else "a size that was not released"
        return f"TCM of N={own_half}, {codec}; this one has N={half}"
    return "part of the file is lost, or it was saved by other code for the same network"
