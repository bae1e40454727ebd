"""MambaVC: selective state spaces in the transforms, TCM's entropy model (Qin et al., arXiv:2405.15413)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from adapters.mambavc.blocks import Sizes, analysis, hyper_analysis, hyper_synthesis, synthesis
from adapters.shared.channelwise import ChannelwiseCodec, SliceConfig
from lic_bench.codecs.weights import load_strictly, parameters_of


class MambaVc(ChannelwiseCodec):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 128."""

    name = "MambaVC"
    multiple = 128

    def __init__(self, sizes: Sizes | None = None, slicing: SliceConfig | None = None) -> None:
        sizes = sizes or Sizes()
        super().__init__(sizes.hyper, slicing or SliceConfig(latent=sizes.latent))
        self.g_a = analysis(sizes)
        self.g_s = synthesis(sizes)
        self.h_a = hyper_analysis(sizes)
        self.h_mean_s = hyper_synthesis(sizes)
        self.h_scale_s = hyper_synthesis(sizes)


def build(state: Mapping[str, Tensor] | None) -> nn.Module:
    """The network in eval mode. state: a checkpoint with the authors' names; None: fresh weights.

    Raises ValueError for a state that is not exactly this network's.
    """
    model = MambaVc()
    if state is not None:
        load_strictly(model, parameters_of(state), likely_cause)
    return model.eval()


def small() -> nn.Module:
    """The same network with few channels and fresh weights, for tests."""
    sizes = Sizes(width=32, latent=40, hyper=24, depths=(1, 1, 1, 1))
    return MambaVc(sizes, SliceConfig(latent=40, inner=(16, 12), attention=(16, 8))).eval()


def likely_cause(parameters: Mapping[str, Tensor]) -> str:
    """What a state that does not fit may be."""
    scan = parameters.get("g_a.1.op.x_proj_weight")
    if scan is None:
        return "weights of another codec"
    if scan.shape[-1] != 512:
        return f"a MambaVC of width {scan.shape[-1] // 2}; this one has 256 (N=128)"
    if "atten_mean.0.0.in_conv.weight" not in parameters:
        return "a network on MambaVC's transforms with another entropy model"
    return "part of the file is lost, another number of blocks, or saved by other code for the same network"
