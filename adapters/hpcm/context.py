"""What HPCM predicts a step from: a prior of context and earlier symbols, and attention that updates the context."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from adapters.hpcm.transforms import depthwise
from adapters.shared.windows import merge, partition


class Prior(nn.Module):
    """[B, 3 latent, h, w] -> scales and means [B, 2 latent, h, w]; between its halves a factor for each channel."""

    def __init__(self, latent: int, before: int, after: int) -> None:
        super().__init__()
        self.branch_1 = nn.Sequential(*depthwise(3 * latent, before))
        self.branch_2 = nn.Sequential(*depthwise(3 * latent, after), nn.Conv2d(3 * latent, 2 * latent, 1))

    def forward(self, x: Tensor, factors: Tensor) -> Tensor:
        """factors [1, 3 latent, 1, 1]: those of the step."""
        return self.branch_2(self.branch_1(x) * factors)


class WindowCrossAttention(nn.Module):
    """The new context: attention of the prior's output to the context, in windows, beside the prior's output."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.conv_q, self.conv_k, self.conv_v, self.conv_out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, prior: Tensor, context: Tensor, side: int) -> Tensor:
        """prior, context [B, width, h, w], h and w multiples of the window's side -> [B, width, h, w]."""
        height, width = prior.shape[2:]
        query, key, value = (
            self._windows(x, side) for x in (self.conv_q(prior), self.conv_k(context), self.conv_v(context))
        )
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return merge(seen, side, side, height, width).permute(0, 3, 1, 2) + self.conv_out(prior)

    def _windows(self, x: Tensor, side: int) -> Tensor:
        """[windows, heads, tokens, head width]."""
        return partition(x.permute(0, 2, 3, 1), side, side).unflatten(2, (self.heads, -1)).transpose(1, 2)
