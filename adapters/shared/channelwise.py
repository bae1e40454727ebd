"""Channel-wise autoregressive entropy model (Minnen and Singh, ICIP 2020, arXiv:2007.08739), with latent residuals.

y is coded in slices of equally many channels. For slice i, of what is known (the hyperprior's output and the slices
before it):

    latent means  + y_hat slices -> atten_mean  -> support -> cc_mean_transforms  -> means  --+
    latent scales + y_hat slices -> atten_scale ---------> cc_scale_transforms -> scales -+-> coder -> y_hat slice
    support + y_hat slice -> lrp_transforms -> residual: y_hat slice += 0.5 tanh(residual)

TCM (CVPR 2023) added the attentions; without them support is what goes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from adapters.shared.attention import SwinAttention
from lic_bench.codecs.gaussian_coding import Coder
from lic_bench.codecs.hyperprior import HyperpriorCodec


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceConfig:
    """latent: channels of y. slices: how many. inner: hidden widths of a slice's convolutions.

    attention: inner width and head width of the attentions; None: there are none. kernels: sides of the three
    convolutions. activation: between them. most: at most so many earlier slices (the first ones) are looked at.
    known: channels that are known before the first slice; None: as many as y has.
    """

    latent: int = 320
    slices: int = 5
    inner: tuple[int, int] = (224, 128)
    attention: tuple[int, int] | None = (128, 16)
    kernels: tuple[int, int, int] = (3, 3, 3)
    activation: type[nn.Module] = nn.GELU
    most: int | None = None
    known: int | None = None

    @property
    def width(self) -> int:
        """Channels of a slice."""
        return self.latent // self.slices

    def support(self, index: int) -> int:
        """Channels that are known before slice `index`."""
        known = self.latent if self.known is None else self.known
        return known + self.width * min(index, self.slices if self.most is None else self.most)


class ChannelwiseCodec(HyperpriorCodec):
    """The entropy model; a subclass sets g_a, h_a, g_s, h_mean_s and h_scale_s ([B, latent, h, w] from z_hat)."""

    h_mean_s: nn.Module
    h_scale_s: nn.Module

    def __init__(self, hyper: int, config: SliceConfig) -> None:
        super().__init__(hyper)
        self.slicing = config
        supports = [config.support(i) for i in range(config.slices)]
        if config.attention:
            self.atten_mean = nn.ModuleList(_attention(support, *config.attention) for support in supports)
            self.atten_scale = nn.ModuleList(_attention(support, *config.attention) for support in supports)
        self.cc_mean_transforms = nn.ModuleList(_transform(support, config) for support in supports)
        self.cc_scale_transforms = nn.ModuleList(_transform(support, config) for support in supports)
        self.lrp_transforms = nn.ModuleList(_transform(support + config.width, config) for support in supports)

    def hyper(self, z_hat: Tensor) -> tuple[Tensor, ...]:
        """The latent means and scales."""
        return self.h_mean_s(z_hat), self.h_scale_s(z_hat)

    def predict(self, hyper: tuple[Tensor, ...], code: Coder) -> Tensor:
        """y_hat [B, latent, h, w], one pass per slice."""
        latent_means, latent_scales = hyper
        done: list[Tensor] = []
        for i in range(self.slicing.slices):
            known = done[: self.slicing.most]
            support = torch.cat([latent_means, *known], 1)
            for_scales = torch.cat([latent_scales, *known], 1)
            if self.slicing.attention:
                support, for_scales = self.atten_mean[i](support), self.atten_scale[i](for_scales)
            y_hat = code(self.cc_scale_transforms[i](for_scales), self.cc_mean_transforms[i](support))
            residual = self.lrp_transforms[i](torch.cat([support, y_hat], 1))
            done.append(y_hat + 0.5 * torch.tanh(residual))
        return torch.cat(done, 1)

    def split(self, y: Tensor) -> Sequence[Tensor]:
        """One pass per slice."""
        return y.chunk(self.slicing.slices, 1)

    def join(self, passes: Sequence[Tensor]) -> Tensor:
        """Undo `split`."""
        return torch.cat(list(passes), 1)


def _attention(width: int, inner: int, head_width: int) -> nn.Sequential:
    return nn.Sequential(SwinAttention(width, inner, head_width))


def _transform(inputs: int, config: SliceConfig) -> nn.Sequential:
    """Three convolutions from `inputs` channels to those of a slice."""
    widths = (inputs, *config.inner, config.width)
    layers: list[nn.Module] = []
    for (before, after), kernel in zip(pairwise(widths), config.kernels, strict=True):
        layers += [nn.Conv2d(before, after, kernel, padding=kernel // 2), config.activation()]
    return nn.Sequential(*layers[:-1])
