"""GLIC: five groups of channels of y, each in two checkerboard passes, anchors first (CVPR 2026, arXiv:2603.25316).

h_s(z_hat) ------------------------------------+
earlier groups -> channel_context -------------+-> entropy_parameters -> scales, means -> coder -> y_hat
anchors of this group -> context_prediction ---+

The graphs are in g_a and g_s alone: where rounding moves an edge, the picture changes a little and no stream is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from adapters.glic.blocks import GatedFfn, MaskedConv, aggregation, channel_context, contracting
from adapters.glic.transforms import Analysis, Synthesis, hyper_analysis, hyper_synthesis
from lic_bench.codecs.gaussian_coding import Coder, merge_checkerboard, split_checkerboard
from lic_bench.codecs.hyperprior import HyperpriorCodec
from lic_bench.codecs.weights import KeyTable, load_strictly, parameters_of, renames

KEYS = KeyTable(
    renames=renames(
        (r"^latent_codec\.hyper\.", ""),
        (r"^latent_codec\.y\.channel_context\.y", "channel_context."),
        (r"^latent_codec\.y\.latent_codec\.y", "groups."),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """widths: of g_a's first three stages. groups: of y's channels. hyper: channels of z."""

    widths: tuple[int, int, int] = (128, 192, 192)
    groups: tuple[int, ...] = (16, 16, 32, 64, 192)
    hyper: int = 192


class Glic(HyperpriorCodec):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 128."""

    name = "GLIC"
    multiple = 128

    def __init__(self, config: Config | None = None) -> None:
        c = config or Config()
        super().__init__(c.hyper)
        self.widths = c.groups
        self.y_strings = 2 * len(c.groups)
        latent = sum(c.groups)
        self.g_a = Analysis((*c.widths, latent))
        self.g_s = Synthesis((*c.widths, latent))
        self.h_a = hyper_analysis(latent, c.hyper)
        self.h_s = hyper_synthesis(c.hyper)
        contexts = [
            channel_context(contracting(sum(c.groups[:k]), 2 * c.groups[k], c.hyper)) for k in range(1, len(c.groups))
        ]
        self.channel_context = nn.ModuleList([None, *contexts])
        self.groups = nn.ModuleList(_group(width, k, c.hyper) for k, width in enumerate(c.groups))

    def hyper(self, z_hat: Tensor) -> tuple[Tensor, ...]:
        """What z_hat tells of y, [B, 2 N, h, w]."""
        return (self.h_s(z_hat),)

    def predict(self, hyper: tuple[Tensor, ...], code: Coder) -> Tensor:
        """y_hat [B, M, h, w] in two passes per group."""
        done: list[Tensor] = []
        for group, context in zip(self.groups, self.channel_context, strict=True):
            earlier = [context(torch.cat(done, 1))] if done else []
            done.append(_coded(group, torch.cat([*earlier, *hyper], 1), code))
        return torch.cat(done, 1)

    def split(self, y: Tensor) -> Sequence[Tensor]:
        """y cut into its coding passes, [B, group, h, w / 2]: of each group the anchors, then the others."""
        return [half for group in y.split(self.widths, 1) for half in split_checkerboard(group)]

    def join(self, passes: Sequence[Tensor]) -> Tensor:
        """The inverse of `split`."""
        return torch.cat([merge_checkerboard(*pair) for pair in zip(passes[::2], passes[1::2], strict=True)], 1)

    def lower_precision(self, dtype: torch.dtype) -> None:
        """Convert the gated networks of g_a, h_a and g_s, in which most products are.

        What they go into stays, as the graphs are of small differences between similarities.
        """
        for transform in (self.g_a, self.h_a, self.g_s):
            for module in transform.modules():
                if isinstance(module, GatedFfn):
                    module.to(dtype)


def _group(width: int, index: int, hyper: int) -> nn.ModuleDict:
    """The networks of a group of channels."""
    known = 2 * width * (2 if index else 1) + 2 * hyper
    return nn.ModuleDict(
        {
            "entropy_parameters": aggregation(contracting(known, 2 * width, 2 * hyper)),
            "context_prediction": MaskedConv(width, 2 * width),
        }
    )


def _coded(group: nn.ModuleDict, known: Tensor, code: Coder) -> Tensor:
    """y_hat of a group, [B, width, h, w]. known: without its anchors, of which nothing is known in the first pass."""
    halves = split_checkerboard(known)
    nothing = known.new_zeros(len(known), group["context_prediction"].out_channels, *halves[0].shape[2:])
    anchors = code(*_gaussians(group, nothing, halves[0]))
    around = group["context_prediction"](merge_checkerboard(anchors, torch.zeros_like(anchors)))
    others = code(*_gaussians(group, split_checkerboard(around)[1], halves[1]))
    return merge_checkerboard(anchors, others)


def _gaussians(group: nn.ModuleDict, around: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Scales and means [B, width, h, w / 2] of one pass: the networks look at each position alone."""
    scales, means = group["entropy_parameters"](torch.cat([around, known], 1)).chunk(2, 1)
    return scales.contiguous(), means.contiguous()


def build(state: Mapping[str, Tensor] | None) -> nn.Module:
    """The network in eval mode. state: a checkpoint with the authors' names; None: fresh weights.

    Raises ValueError for a state that is not exactly this network's.
    """
    model = Glic()
    if state is not None:
        load_strictly(model, parameters_of(state, KEYS), likely_cause)
    return model.eval()


def small() -> nn.Module:
    """The same network with few channels and fresh weights, for tests.

    Its scales are about those of y, its pictures in range.
    """
    model = Glic(Config(widths=(8, 16, 16), groups=(4, 4, 8), hyper=8))
    for group in model.groups:
        nn.init.constant_(group["entropy_parameters"][-1].mixer.bias.chunk(2)[0], 1.3)
    for last in (model.g_s.up3[0], model.g_s.AuxT_dec[3].OLP["linear"]):
        last.weight.data *= 0.25
        nn.init.constant_(last.bias, 0.25)
    return model.eval()


def likely_cause(parameters: Mapping[str, Tensor]) -> str:
    """What a state that does not fit may be."""
    if "g_a.g2.residual_group.blocks.0.grapher.logit_scale" not in parameters:
        return "weights of another codec"
    return "part of the file is lost, or it was saved by other code for the same network"
