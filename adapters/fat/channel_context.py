"""T-CA: the Gaussians of y, slice after slice, from the hyperprior and the slices before.

Li et al., ICLR 2024, arXiv:2310.16387, section 3.4.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from adapters.fat.channel_transformer import Cache, ChannelTransformer, Run, on_all, on_slice, sliced_conv
from adapters.fat.config import SLICES, FatConfig


class Gaussians(NamedTuple):
    """What is predicted for each value of y: scale (unbounded) and mean, and lrp, of which 0.5 tanh refines y_hat."""

    scales: Tensor
    means: Tensor
    lrp: Tensor


class ChannelContext(nn.Module):
    """From the outputs of both hyper syntheses, hyper [B, 2 * M, h, w], and the quantised y to the Gaussians of y."""

    def __init__(self, config: FatConfig) -> None:
        super().__init__()
        latent = config.latent
        self.TCA = ChannelTransformer(latent, config.ratio, config.context_heads, config.context_depth)
        self.hyper_trans = nn.Linear(2 * latent, 2 * latent)
        self.entropy_parameters_net = nn.Sequential(
            sliced_conv((config.ratio + 2) * latent, 2 * latent, 3),
            nn.GELU(),
            sliced_conv(2 * latent, 3 * latent, 3),
            nn.GELU(),
            sliced_conv(3 * latent, 3 * latent, 3),
        )
        with torch.no_grad():
            self.entropy_parameters_net[-1].bias[1::3] = 1  # fresh scales: wide enough for any y of fresh weights

    def forward(self, hyper: Tensor, q: Tensor) -> Gaussians:
        """All slices at once, [B, M, h, w] each; those of a slice depend on the slices of q before it only."""
        return self.gaussians(self.TCA(hyper, q), self.transformed(hyper), on_all)

    def transformed(self, hyper: Tensor) -> Tensor:
        """hyper_trans at every position."""
        return self.hyper_trans(hyper.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def gaussians(self, features: Tensor, hyper: Tensor, run: Run) -> Gaussians:
        """From features [B, ratio * C, h, w] and transformed hyper [B, 2 * C, h, w], channel of y by channel."""
        x = torch.cat([features.unflatten(1, (hyper.shape[1] // 2, -1)), hyper.unflatten(1, (-1, 2))], 2).flatten(1, 2)
        for layer in self.entropy_parameters_net:
            x = run(layer, x)
        means, scales, lrp = x.unflatten(1, (-1, 3)).unbind(2)
        return Gaussians(scales, means, lrp)


class Steps:
    """One pass over the context in which slice follows slice, each computed once: what a decoder has time for.

    The encoder takes the same steps, so that both get the same bits.
    """

    def __init__(self, context: ChannelContext, hyper: Tensor) -> None:
        self._context = context
        self._hyper = context.transformed(hyper).chunk(SLICES, 1)
        self._earlier = context.TCA.start_token_from_hyperprior(hyper)
        self._caches: list[Cache] = [[] for _ in context.TCA.layers]

    def __call__(self, index: int) -> Gaussians:
        """Scales and means of slice `index`, [B, M / 5, h, w] each."""
        features = self._context.TCA.step(self._earlier, index, self._caches)
        return self._context.gaussians(features, self._hyper[index], partial(on_slice, index))

    def take(self, q: Tensor) -> None:
        """The quantised slice that the next step sees, [B, M / 5, h, w]."""
        # In one layout, whoever quantised it: convolutions may round differently by layout.
        self._earlier = q.contiguous()
