"""RWKV-SCCTX, the space-channel context model of LALIC (arXiv:2502.05741, section 3.3), and its ablations' frame.

y is coded in groups of channels, each group in two checkerboard passes. What is known grows pass by pass:

    hyper ----------------------------------+
    earlier groups -> channel context ------+-> aggregation -> scales, means of one pass -> coder -> y_hat of the pass
    anchors of this group -> spatial context+   (pointwise: only at the positions of the pass)
    (zeros for the anchors themselves)

The ablations have other networks for the channel context and the aggregation (`lalic.conv_context`).

Whoever codes (estimates, encodes or decodes) is handed in, so all three run the same arithmetic on the same shapes:
a decoder that computed a scale even one bit apart could lose the rANS stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from lalic.blocks import BiRwkvBlock, GatedMlp
from lalic.config import LalicConfig
from lalic.conv_context import ConvAggregation, conv_aggregation, conv_channel_context
from lalic.tokens import Size, to_image, to_tokens
from lic_bench.codecs.gaussian_coding import Coder, merge_checkerboard, split_checkerboard

ANCHORS, OTHERS = 0, 1


class AggregationStage(nn.Module):
    """A pointwise change of width, then a gated MLP beside an identity."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.mix = nn.Linear(inputs, outputs)
        self.norm = nn.LayerNorm(outputs)
        self.mlp = GatedMlp(outputs, 2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, n, inputs] -> [B, n, outputs]."""
        x = self.mix(x)
        return x + self.mlp(self.norm(x))


class RwkvAggregation(nn.Sequential):
    """The parameter aggregation of the released network: AggregationStages of the given widths."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__(*(AggregationStage(*pair) for pair in pairwise(widths)))

    def forward(self, known: Sequence[Tensor]) -> Tensor:
        """Images [B, C, h, w / 2], together as many channels as the first width -> [B, last width, h, w / 2]."""
        size: Size = (known[0].shape[2], known[0].shape[3])
        return to_image(super().forward(torch.cat([to_tokens(part) for part in known], 2)), size)


def aggregation_widths(inputs: int, outputs: int, least: int, most: int | None = None) -> list[int]:
    """Four widths that go from inputs to outputs in a straight line, the two inner ones from `least` to `most`.

    The convolutional channel contexts take theirs from the same line.
    """
    inner = (max(least, ((3 - i) * inputs + i * outputs) // 3) for i in (1, 2))
    return [inputs, *(min(width, most or width) for width in inner), outputs]


class GroupContext(nn.Module):
    """The context model of one group: `width` channels of y after `earlier` channels."""

    def __init__(self, width: int, earlier: int, config: LalicConfig) -> None:
        super().__init__()
        latent = config.widths[-1]
        # No checkerboard mask: it is given the anchors alone, and read only where every masked tap meets a zero.
        self.spatial = nn.Conv2d(width, 2 * width, 5, padding=2)
        self.channel = _channel_context(earlier, 2 * width, config) if earlier else None
        self.aggregation = _aggregation(latent + (4 if earlier else 2) * width, 2 * width, config)

    def forward(self, earlier: Sequence[Tensor], hyper: Sequence[Tensor], code: Coder) -> Tensor:
        """y_hat of the group, [B, width, h, w]. earlier: y_hat of the groups before; hyper: its checkerboard parts."""
        known = [[part] for part in hyper]
        if self.channel is not None:
            channel = split_checkerboard(self.channel(torch.cat(list(earlier), 1)))
            known = [[part, *rest] for part, rest in zip(channel, known, strict=True)]
        batch, _, height, width = hyper[ANCHORS].shape
        no_context = hyper[ANCHORS].new_zeros(batch, self.spatial.out_channels, height, width)
        anchors = code(*self._gaussians([no_context, *known[ANCHORS]]))
        spatial = self.spatial(merge_checkerboard(anchors, torch.zeros_like(anchors)))
        others = code(*self._gaussians([split_checkerboard(spatial)[OTHERS], *known[OTHERS]]))
        return merge_checkerboard(anchors, others)

    def _gaussians(self, known: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Scales and means [B, width, h, w / 2] of one pass."""
        scales, means = self.aggregation(known).chunk(2, 1)
        return scales.contiguous(), means.contiguous()


def _aggregation(inputs: int, outputs: int, config: LalicConfig) -> RwkvAggregation | ConvAggregation:
    widths = aggregation_widths(inputs, outputs, *config.aggregation_range)
    return RwkvAggregation(widths) if config.context == "rwkv" else conv_aggregation(config.context, widths)


def _channel_context(earlier: int, outputs: int, config: LalicConfig) -> nn.Sequential:
    if config.context != "rwkv":
        widths = aggregation_widths(earlier, outputs, config.channel_floor)
        return conv_channel_context(config.context, widths)
    latent, ratio = config.widths[-1], config.context_ratio
    return nn.Sequential(
        nn.Conv2d(earlier, latent, 3, padding=1),
        BiRwkvBlock(latent, ratio),
        BiRwkvBlock(latent, ratio),
        nn.Conv2d(latent, outputs, 1),
    )


class SpaceChannelContext(nn.Module):
    """All groups in order."""

    def __init__(self, config: LalicConfig) -> None:
        super().__init__()
        starts = [sum(config.groups[:i]) for i in range(len(config.groups))]
        pairs = zip(config.groups, starts, strict=True)
        self.groups = nn.ModuleList(GroupContext(width, start, config) for width, start in pairs)

    def forward(self, hyper: Tensor, code: Coder) -> Tensor:
        """y_hat [B, M, h, w] from the hyper context [B, M, h, w], h and w even; `code` is called twice per group."""
        parts = split_checkerboard(hyper)
        done: list[Tensor] = []
        for group in self.groups:
            done.append(group(done, parts, code))
        return torch.cat(done, 1)
