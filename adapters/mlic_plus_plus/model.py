"""MLIC++ (Jiang et al., arXiv:2307.15421): a hyperprior codec with channel, local and global contexts.

y is coded in slices of channels, each in two checkerboard passes. What is known grows pass by pass:

    h_s(z_hat) ---------------------------------------------+
    earlier slices --> channel and global inter context ----+-> entropy parameters -> scales, means -> coder -> y_hat
    anchors of this slice --> local, global intra context --+

A latent residual prediction corrects y_hat after each pass; later passes see it corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from adapters.mlic_plus_plus.checkerboard import anchors_of, merge, only_anchors, others_of
from adapters.mlic_plus_plus.context import ChannelContext, EntropyParameters, ResidualPrediction
from adapters.mlic_plus_plus.global_context import InterContext, IntraContext
from adapters.mlic_plus_plus.local_context import LocalContext
from adapters.mlic_plus_plus.sizes import Sizes
from adapters.mlic_plus_plus.transforms import Analysis, HyperAnalysis, HyperSynthesis, Synthesis
from lic_bench.codecs.gaussian_coding import Coder
from lic_bench.codecs.hyperprior import HyperpriorCodec
from lic_bench.codecs.weights import load_strictly, parameters_of

FIRST_CONV = "g_a.analysis_transform.0.conv1.weight"
LAST_CONV = "g_a.analysis_transform.6.weight"


def build(state: Mapping[str, Any] | None) -> nn.Module:
    """The network in eval mode. state: a checkpoint of either released layout; None: fresh weights, present layout.

    Raises ValueError for a state that is not exactly this network's.
    """
    if state is None:
        return MlicPlusPlus(Sizes()).eval()
    parameters = parameters_of(state)
    model = MlicPlusPlus(Sizes(old="lrp_anchor.0.lrp_transform.6.weight" in parameters))
    load_strictly(model, parameters, likely_cause)
    return model.eval()


def small() -> nn.Module:
    """The same network with few channels and three slices, for tests: fresh weights, eval mode."""
    return MlicPlusPlus(Sizes(hidden=16, slice_width=8, slices=3)).eval()


def likely_cause(parameters: Mapping[str, Tensor]) -> str:
    """What a state that does not fit may be."""
    if FIRST_CONV not in parameters:
        return "weights of another codec"
    sizes = Sizes()
    widths = (
        parameters[FIRST_CONV].shape[0],
        parameters[LAST_CONV].shape[0] if LAST_CONV in parameters else sizes.latent,
    )
    if widths != (sizes.hidden, sizes.latent):
        return f"a network of N={widths[0]}, M={widths[1]}; MLIC++ has N={sizes.hidden}, M={sizes.latent}"
    if not any(key.startswith(("global_inter_context.", "global_intra_context.")) for key in parameters):
        return "weights of MLIC or MLIC+, whose entropy model is another"
    return "part of the file is lost, or it was saved by other code for the same network"


class MlicPlusPlus(HyperpriorCodec):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 64."""

    name = "MLIC++"

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes.hidden)
        self.sizes = sizes
        self.g_a = Analysis(sizes)
        self.g_s = Synthesis(sizes)
        self.h_a = HyperAnalysis(sizes)
        self.h_s = HyperSynthesis(sizes)
        self._add_contexts()

    def _add_contexts(self) -> None:
        """One network per slice and purpose; the first slice has no earlier ones to look at."""
        width, count = self.sizes.slice_width, self.sizes.slices
        self.local_context = _per_slice(count, lambda _: LocalContext(width))
        self.channel_context = _per_slice(count, lambda i: ChannelContext(width, i), first=1)
        self.global_inter_context = _per_slice(count, lambda i: InterContext(width, i), first=1)
        self.global_intra_context = _per_slice(count, lambda _: IntraContext(width), first=1)
        hyper = 2 * self.sizes.latent
        known = [hyper + (6 * width if index else 0) for index in range(count)]
        inside = [(4 if index else 2) * width for index in range(count)]
        self.entropy_parameters_anchor = _per_slice(count, lambda i: EntropyParameters(width, known[i]))
        self.entropy_parameters_nonanchor = _per_slice(count, lambda i: EntropyParameters(width, known[i] + inside[i]))
        self.lrp_anchor = _per_slice(count, lambda i: ResidualPrediction(self.sizes, i))
        self.lrp_nonanchor = _per_slice(count, lambda i: ResidualPrediction(self.sizes, i))

    def hyper(self, z_hat: Tensor) -> tuple[Tensor, ...]:
        """Hyper means and scales side by side, [B, 2 M, h, w]."""
        return (self.h_s(z_hat),)

    def predict(self, hyper: tuple[Tensor, ...], code: Coder) -> Tensor:
        """y_hat [B, M, h, w], in two passes per slice: anchors, others."""
        done: list[Tensor] = []
        for index in range(self.sizes.slices):
            done.append(self._slice(index, *hyper, done, code))
        return torch.cat(done, 1)

    def split(self, y: Tensor) -> list[Tensor]:
        """y [B, M, h, w] cut into its coding passes, [B, slice width, h, w / 2]."""
        halves = (half.split(self.sizes.slice_width, 1) for half in (anchors_of(y), others_of(y)))
        return [half for pair in zip(*halves, strict=True) for half in pair]

    def join(self, passes: Sequence[Tensor]) -> Tensor:
        """Undo `split`."""
        return torch.cat([merge(*pair) for pair in zip(passes[::2], passes[1::2], strict=True)], 1)

    def _slice(self, index: int, hyper: Tensor, earlier: Sequence[Tensor], code: Coder) -> Tensor:
        """y_hat of a slice, [B, slice width, h, w]. earlier: y_hat of the slices before."""
        known = [*self._between_slices(index, earlier), hyper]
        residual_known = [hyper[:, self.sizes.latent :], *earlier]
        anchors = code(*_gaussians(anchors_of(self.entropy_parameters_anchor[index](known))))
        residual = self.lrp_anchor[index]([*residual_known, only_anchors(anchors)])
        anchors = anchors + anchors_of(residual)
        known = [*self._inside_slice(index, earlier, only_anchors(anchors)), *known]
        others = code(*_gaussians(others_of(self.entropy_parameters_nonanchor[index](known))))
        residual = self.lrp_nonanchor[index]([*residual_known, merge(anchors, others)])
        return merge(anchors, others + others_of(residual))

    def _between_slices(self, index: int, earlier: Sequence[Tensor]) -> list[Tensor]:
        """The contexts from other slices, in the order in which the entropy parameters take them."""
        if not earlier:
            return []
        joined = torch.cat(list(earlier), 1)
        return [self.global_inter_context[index](joined), self.channel_context[index](joined)]

    def _inside_slice(self, index: int, earlier: Sequence[Tensor], anchors: Tensor) -> list[Tensor]:
        """The contexts from this slice's anchors [B, slice width, h, w], in that order."""
        local = self.local_context[index](anchors)
        return [local, self.global_intra_context[index](earlier[-1], anchors)] if earlier else [local]


def _per_slice(count: int, make: Callable[[int], nn.Module], first: int = 0) -> nn.ModuleList:
    """A network for each slice from `first` on, None before it."""
    return nn.ModuleList([None] * first + [make(index) for index in range(first, count)])


def _gaussians(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Scales and means [B, slice width, h, w / 2] of one pass."""
    scales, means = parameters.chunk(2, 1)
    return scales.contiguous(), means.contiguous()
