"""Phases of the codecs on adapters.shared.channelwise, for their SPECs: no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TRANSFORMS = {name: (name,) for name in ("g_a", "h_a", "g_s")}
ATTENTIONS = ("atten_mean.*", "atten_scale.*")
CONVOLUTIONS = ("cc_mean_transforms.*", "cc_scale_transforms.*", "lrp_transforms.*")


def channelwise(*, attention: bool) -> Mapping[str, tuple[str, ...]]:
    """CodecSpec.phases of a ChannelwiseCodec; attention: whether its slices have them."""
    context = (*ATTENTIONS, *CONVOLUTIONS) if attention else CONVOLUTIONS
    return MappingProxyType({**TRANSFORMS, "h_s": ("h_mean_s", "h_scale_s"), "context *": context})
