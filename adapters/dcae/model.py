"""DCAE: a channel-wise entropy model whose slices ask a learned dictionary (Lu et al., CVPR 2025).

hyper 1, hyper 2, y_hat slices -> query -+-> dt_cross_attention -> answer of the dictionary -+
                                         +----------------------------------------> support -+
support                -> cc_mean_transforms, cc_scale_transforms -> coder -> y_hat slice
support, y_hat slice   -> lrp_transforms: y_hat slice += 0.5 tanh(residual)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from adapters.dcae.dictionary import DictionaryAttention
from adapters.dcae.transforms import analysis, hyper_analysis, hyper_synthesis, synthesis
from adapters.shared.channelwise import ChannelwiseCodec, SliceConfig
from lic_bench.codecs.gaussian_coding import Coder
from lic_bench.codecs.weights import load_strictly, parameters_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """widths, depths, heads: of the stages of g_a from the picture down, and of g_s in reverse; heads: head widths.

    latent, slices: channels of y, and how many slices. hyper, hyper_head: channels of z and their head width.
    entries, entry_width, entry_head: of the dictionary. inner: hidden widths of a slice's convolutions.
    """

    widths: tuple[int, ...] = (96, 144, 256)
    depths: tuple[int, ...] = (1, 2, 12)
    heads: tuple[int, ...] = (8, 16, 32)
    latent: int = 320
    slices: int = 5
    hyper: int = 192
    hyper_head: int = 32
    entries: int = 128
    entry_width: int = 640
    entry_head: int = 32
    inner: tuple[int, int] = (224, 128)


class Dcae(ChannelwiseCodec):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 128."""

    name = "DCAE"
    multiple = 128

    def __init__(self, config: Config | None = None) -> None:
        c = config or Config()
        slicing = SliceConfig(latent=c.latent, slices=c.slices, inner=c.inner, attention=None, known=3 * c.latent)
        super().__init__(c.hyper, slicing)
        self.dt = nn.Parameter(torch.randn(c.entries, c.entry_width))
        queries = [2 * c.latent + slicing.width * i for i in range(c.slices)]
        self.dt_cross_attention = nn.ModuleList(
            DictionaryAttention(query, c.entry_width, c.entry_head, c.latent) for query in queries
        )
        self.g_a = analysis(c.widths, c.depths, c.heads, c.latent)
        self.g_s = synthesis(c.widths, c.depths, c.heads, c.latent)
        self.h_a = hyper_analysis(c.latent, c.hyper, c.hyper_head)
        self.h_z_s1 = hyper_synthesis(c.latent, c.hyper, c.hyper_head)
        self.h_z_s2 = hyper_synthesis(c.latent, c.hyper, c.hyper_head)

    def hyper(self, z_hat: Tensor) -> tuple[Tensor, ...]:
        """The outputs of both hyper syntheses, [B, latent, h, w] each."""
        return self.h_z_s1(z_hat), self.h_z_s2(z_hat)

    def predict(self, hyper: tuple[Tensor, ...], code: Coder) -> Tensor:
        """y_hat [B, latent, h, w], one pass per slice."""
        done: list[Tensor] = []
        for i in range(self.slicing.slices):
            query = torch.cat([*hyper, *done], 1)
            support = torch.cat([query, self.dt_cross_attention[i](query, self.dt)], 1)
            y_hat = code(self.cc_scale_transforms[i](support), self.cc_mean_transforms[i](support))
            residual = self.lrp_transforms[i](torch.cat([support, y_hat], 1))
            done.append(y_hat + 0.5 * torch.tanh(residual))
        return torch.cat(done, 1)


def build(state: Mapping[str, Tensor] | None) -> nn.Module:
    """The network in eval mode. state: a checkpoint with the authors' names; None: fresh weights.

    Raises ValueError for a state that is not exactly this network's.
    """
    model = Dcae()
    if state is not None:
        load_strictly(model, parameters_of(state), likely_cause)
    return model.eval()


def small() -> nn.Module:
    """The same network with few channels and fresh weights, for tests; its scales are about those of y."""
    model = Dcae(
        Config(
            widths=(8, 16, 16),
            depths=(1, 2, 1),
            heads=(4, 8, 8),
            latent=40,
            hyper=16,
            hyper_head=8,
            entries=12,
            entry_width=32,
            entry_head=8,
            inner=(16, 12),
        )
    )
    for transform in model.cc_scale_transforms:
        nn.init.constant_(transform[-1].bias, 0.35)
    return model.eval()


def likely_cause(parameters: Mapping[str, Tensor]) -> str:
    """What a state that does not fit may be."""
    if "dt" not in parameters or "g_a.1.layers.0.msa.relative_position_params" not in parameters:
        return "weights of another codec"
    return "part of the file is lost, or it was saved by other code for the same network"
